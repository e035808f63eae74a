package random

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	programs = flag.Int("programs", 40, "how many programs to make")
	seed     = flag.Uint64("seed", 1, "that of the first program")
)

// atOnce is how many programs are built into one test.
const atOnce = 50

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
		require.NoError(t, err)
		for _, f := range failures {
			t.Errorf("the program of -seed %d fails: %s\n%s", f.Program.Seed, f.Output, f.Program.Source)
		}
	}
}
