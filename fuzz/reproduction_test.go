package fuzz_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/fuzz"
	"github.com/stretchr/testify/require"
)

// fakeTB is a testing.TB that keeps the text of Fatal.
type fakeTB struct {
	testing.TB
	text string
}

func (h *fakeTB) Helper() {}
func (h *fakeTB) Fatal(args ...any) {
	h.text = fmt.Sprint(args...)
	runtime.Goexit()
}

// failureOf returns the text with which f fails.
func failureOf(t *testing.T, f func(testing.TB)) string {
	h := &fakeTB{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(h)
	}()
	<-done
	require.NotEmpty(t, h.text)
	return h.text
}

// boundless serves requests that no machine can serve, with a frame of no bytes.
type boundless struct{ arena.Heap }

func (b *boundless) Allocate(size uintptr) unsafe.Pointer {
	if size > ^uintptr(0)>>1 {
		size = 0
	}
	return b.Heap.Allocate(size)
}

func newBoundless(testing.TB) arena.FrameAllocator { return new(boundless) }

// miscounting is an allocator whose figure is always one live frame.
type miscounting struct{ arena.Heap }

func newMiscounting(testing.TB) arena.FrameAllocator { return new(miscounting) }

var miscounted = fuzz.LiveFrames(func(*miscounting) int { return 1 })

// The code that a failure prints compiles, and fails in the same way.
func TestPrintedCodeReproduces(t *testing.T) {
	replay := failureOf(t, func(t testing.TB) { fuzz.Check(t, newForgetful, fuzz.Sizes(4000)) })
	huge := failureOf(t, func(t testing.TB) { fuzz.Check(t, newBoundless) })
	stress := failureOf(t, func(t testing.TB) {
		fuzz.Stress(t, newMiscounting, fuzz.Concurrent(), miscounted, fuzz.Operations(2000))
	})
	_, first, ok := strings.Cut(replay, "To reproduce it:\n\n")
	require.True(t, ok, replay)
	_, second, ok := strings.Cut(huge, "To reproduce it:\n\n")
	require.True(t, ok, huge)
	_, third, ok := strings.Cut(stress, "To reproduce it:\n\n")
	require.True(t, ok, stress)

	file := "package fuzz_test\n\nimport (\n\t\"testing\"\n\n\t\"github.com/framearena/framearena/fuzz\"\n)\n\n" +
		"var promises = fuzz.Promises{fuzz.Concurrent(), miscounted}\n\n" +
		strings.Replace(first, "promises", "fuzz.Sizes(4000)", 1) + "\n" +
		strings.Replace(second, "TestReproduction", "TestSecondReproduction", 1) + "\n" +
		strings.Replace(third, "TestReproduction", "TestThirdReproduction", 1)
	output := testWith(t, file, "Reproduction$")
	for _, test := range []struct{ name, says string }{
		{"TestReproduction", "fuzz: Overlap: frame 3, of 65 bytes"},
		{"TestSecondReproduction", "fuzz: LimitExceeded: "},
		{"TestThirdReproduction", "fuzz: WrongAccount: "},
	} {
		_, after, found := strings.Cut(output, "--- FAIL: "+test.name+" ")
		require.True(t, found, output)
		report, _, _ := strings.Cut(after, "--- ")
		require.Contains(t, report, test.says)
	}
}

// testWith runs tests of this package with one more file, which is not in its directory. It
// requires that they fail, and returns their output.
func testWith(t *testing.T, file, run string) string {
	dir := t.TempDir()
	real := filepath.Join(dir, "file.go")
	require.NoError(t, os.WriteFile(real, []byte(file), 0o600))
	here, err := os.Getwd()
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]map[string]string{
		"Replace": {filepath.Join(here, "printed_test.go"): real},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600))
	output, err := exec.Command("go", "test", "-overlay", filepath.Join(dir, "overlay.json"), "-timeout", "60s", "-run", run, ".").CombinedOutput()
	require.Error(t, err, "%s", output)
	return string(output)
}
