package random

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	programs = flag.Int("programs", 40, "how many programs to make")
	reduced  = flag.Int("reduced", 1, "how many failing programs, of those that are built at once, are made smaller")
	seed     = flag.Uint64("seed", 1, "that of the first program")
)

const (
	atOnce     = 20 // programs that are built into one test
	mostBuilds = 40 // to make a program smaller
)

// TestRandomPrograms compares programs that are made at random with themselves.
func TestRandomPrograms(t *testing.T) {
	repository, err := filepath.Abs("../../..")
	require.NoError(t, err)
	w, err := NewWorkspace(t.TempDir(), repository)
	require.NoError(t, err)
	count := *programs
	if testing.Short() {
		count = min(count, 10)
	}
	for done := 0; done < count; {
		var some []Program
		for ; len(some) < atOnce && done < count; done++ {
			some = append(some, Generate(*seed+uint64(done)))
		}
		failures, err := w.Test(some)
		t.Logf("%d programs from seed %d on: %d fail", len(some), some[0].Seed, len(failures))
		require.NoError(t, err)
		for i, f := range failures {
			if i < *reduced {
				f, err = w.Reduce(f, mostBuilds, func(f Failure) { t.Logf("reduced to %d bytes", len(f.Program.Source)) })
				require.NoError(t, err)
			}
			t.Error(f)
		}
	}
}

// TestProgramsAreValid type-checks many programs, and requires that a seed makes the same program again.
func TestProgramsAreValid(t *testing.T) {
	repository, err := filepath.Abs("../../..")
	require.NoError(t, err)
	w, err := NewWorkspace(t.TempDir(), repository)
	require.NoError(t, err)
	require.NoError(t, w.write("steps.go", steps))
	checker, err := w.typeChecker()
	require.NoError(t, err)
	for s := range uint64(500) {
		p := Generate(s)
		require.Equal(t, p, Generate(s))
		repaired, ok := checker.repaired(p.Source)
		require.True(t, ok, p.Source)
		require.Equal(t, p.Source, repaired)
	}

	// What the reducer leaves is made valid again.
	repaired, ok := checker.repaired(`func s1(t *task.T, tr *cases.Trace, n int) {
	x, y := value(t, tr, 1), 2
	var z int = value(t, tr, y)
	for i, v := range []int{1} {
		switch k := any(v).(type) {
		case int:
		}
	}
	var a int
}`)
	require.True(t, ok)
	require.Equal(t, `func s1(t *task.T, tr *cases.Trace, n int) {
	_, y := value(t, tr, 1), 2
	_ = value(t, tr, y)
	for _, v := range []int{1} {
		switch any(v).(type) {
		case int:
		}
	}

}
`, repaired)
	_, ok = checker.repaired("func s1() int { return missing }")
	require.False(t, ok)
}
