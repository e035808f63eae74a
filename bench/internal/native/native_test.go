package native_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/native"
)

// modes are the modes of each program.
var modes = map[string][]string{
	"alloc-none":     {"handover"},
	"alloc-glibc":    {"pair", "batch", "handover", "parallel", "mixed"},
	"alloc-jemalloc": {"pair", "batch", "handover", "parallel", "mixed"},
	"alloc-tcmalloc": {"pair", "batch", "handover", "parallel", "mixed"},
	"alloc-mimalloc": {"pair", "batch", "handover", "parallel", "mixed"},
	"chain-gcc":      {"new", "recycle", "pmr", "elided"},
	"chain-clang":    {"new", "recycle", "pmr", "elided"},
	"chain-rust":     {"inlined", "boxed", "dynamic"},
	"arenas":         {"batch"},
}

// The programs whose tools are there are built and give the right results, which they check.
// The others are missing by name.
func TestBuild(t *testing.T) {
	programs, err := native.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	for name, modes := range modes {
		path, err := programs.Path(name)
		if err != nil {
			// A mistake in a source must not look like a missing library.
			require.ErrorIs(t, err, contest.ErrMissing, name)
			require.Regexp(t, "is not in PATH|cannot find -l|library not found|library '.*' not found", err, name)
			continue
		}
		for _, mode := range modes {
			out, err := exec.Command(path, mode, "1").Output()
			if mode == "elided" && err != nil { // this compiler does not elide
				require.Equal(t, 3, err.(*exec.ExitError).ExitCode())
				continue
			}
			require.NoError(t, err, "%s %s", name, mode)
			var sample map[string]float64
			require.NoError(t, json.Unmarshal(out, &sample), "%s %s: %s", name, mode, out)
			require.Positive(t, sample["ns"], "%s %s", name, mode)
		}
		require.Error(t, exec.Command(path, "no such mode", "1").Run(), name)
	}
}

func TestNothingToBuildWith(t *testing.T) {
	t.Setenv("PATH", "")
	programs, err := native.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	require.Len(t, programs.Missing(), len(modes))
	for name, says := range map[string]string{
		"alloc-mimalloc": "missing: a C compiler is not in PATH",
		"chain-gcc":      "missing: g++ is not in PATH",
		"chain-clang":    "missing: clang++ is not in PATH",
		"chain-rust":     "missing: rustc is not in PATH",
		"arenas":         "missing: the go command is not in PATH",
	} {
		_, err := programs.Path(name)
		require.ErrorIs(t, err, contest.ErrMissing)
		require.EqualError(t, err, says)
	}
	require.Empty(t, programs.Versions(t.Context()))
}

func TestUnknownProgram(t *testing.T) {
	t.Setenv("PATH", "")
	programs, err := native.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	_, err = programs.Path("chain-cobol")
	require.EqualError(t, err, `there is no program "chain-cobol"`)
	require.NotErrorIs(t, err, contest.ErrMissing)
}

// A compiler without the library that the program needs.
func TestLibraryMissing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the compiler here is a shell script")
	}
	bin := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" = --version ] && { echo gcc 99; exit; }\necho some noise >&2\necho /ld: cannot find -ljemalloc >&2\nexit 1\n"
	require.NoError(t, os.WriteFile(filepath.Join(bin, "gcc"), []byte(script), 0o777))
	t.Setenv("PATH", bin)
	programs, err := native.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	_, err = programs.Path("alloc-jemalloc")
	require.ErrorIs(t, err, contest.ErrMissing)
	require.EqualError(t, err, "missing: gcc cannot build alloc-jemalloc: /ld: cannot find -ljemalloc")
	require.Equal(t, map[string]string{"C compiler": "gcc 99"}, programs.Versions(t.Context()))
}
