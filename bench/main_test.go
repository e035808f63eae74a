package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/measure"
)

func TestMain(m *testing.M) {
	if measure.Child(disciplines(), os.Stdout) {
		return
	}
	os.Exit(m.Run())
}

// few are contestants of each sort that are measured quickly: in this program, in another
// program, and in a discipline that is not repeated.
const few = `^alloc-pair/(framearena, owner's cache|sync.Pool|C, glibc)$|` +
	`^chain/(framearena, plain|C\+\+20, g\+\+, recycled|Rust async, boxed)$|` +
	`^crowd-10000/`

// A quick run from end to end: samples, page and plots, and the page again from the samples.
func TestQuick(t *testing.T) {
	out := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"-quick", "-rounds", "2", "-sample", "1ms", "-only", few, "-out", out}, io.Discard, io.Discard))

	s, err := measure.Load(filepath.Join(out, "benchmarks", "samples.json"))
	require.NoError(t, err)
	require.True(t, s.Quick)
	require.Empty(t, s.Failures())
	rounds := map[string]int{"alloc-pair": 2, "chain": 2, "crowd-10000": 1}
	require.Len(t, s.Disciplines, len(rounds))
	for _, d := range s.Disciplines {
		require.Len(t, d.Contestants, 3)
		for _, c := range d.Contestants {
			if c.Skipped == "" {
				require.Len(t, c.Samples, rounds[d.ID], c.Name)
			}
		}
	}

	page := readFile(t, filepath.Join(out, "benchmarks.md"))
	require.Contains(t, page, "`go run . -quick -rounds 2 -sample 1ms -only")
	require.NotContains(t, page, out)
	for _, name := range []string{"overview", "alloc-pair", "chain", "crowd-bytes", "crowd-gc", "crowd-c999"} {
		require.Contains(t, page, "(benchmarks/"+name+".svg)")
		require.Contains(t, readFile(t, filepath.Join(out, "benchmarks", name+".svg")), "</svg>")
	}

	again := t.TempDir()
	var said bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-from", filepath.Join(out, "benchmarks", "samples.json"), "-out", again}, &said, io.Discard))
	require.Equal(t, page, readFile(t, filepath.Join(again, "benchmarks.md")))
	require.Equal(t, "wrote "+filepath.Join(again, "benchmarks.md")+"\n", said.String())
}

// Without compilers, the contestants that need one are skipped by name, and the others are
// measured.
func TestNoCompilers(t *testing.T) {
	t.Setenv("PATH", "")
	out := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"-quick", "-rounds", "1", "-sample", "1ms", "-out", out,
		"-only", `^chain/(framearena, plain$|C\+\+20|Rust)|^alloc-(pair|release)/(framearena|C,|Go's)`}, io.Discard, io.Discard))
	page := readFile(t, filepath.Join(out, "benchmarks.md"))
	for _, skipped := range []string{
		"- Allocate and free, 128 bytes, C, jemalloc: a C compiler is not in PATH",
		"- 1000 allocated, then released at once, Go's arena experiment: the go command is not in PATH",
		"- A chain of four tasks, a frame, C++20, clang++, recycled: clang++ is not in PATH",
		"- A chain of four tasks, a frame, Rust async, inlined: rustc is not in PATH",
		"| C++20, g++, operator new | skipped: g++ is not in PATH |",
	} {
		require.Contains(t, page, skipped)
	}
	require.Regexp(t, `\| \*\*framearena, plain\*\* \| [0-9.]+ [nµ]s \|`, page)
}

func TestFlags(t *testing.T) {
	for args, says := range map[string]string{
		"-quick all":                    `what is "all"? There are only flags`,
		"-rounds -1":                    "-rounds and -sample have to be positive",
		"-only [":                       "error parsing regexp",
		"-from no/such/file":            "no such file",
		"-no-such-flag":                 "flag provided but not defined",
		"-only nobody -out /dev/null/x": "not a directory",
	} {
		require.ErrorContains(t, run(t.Context(), strings.Fields(args), io.Discard, io.Discard), says, args)
	}
	require.ErrorIs(t, run(t.Context(), []string{"-h"}, io.Discard, io.Discard), flag.ErrHelp)

	var listed bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-list"}, &listed, io.Discard))
	require.Contains(t, listed.String(), "skynet/conc WaitGroup\n")
}

// The names of files and of -only are unique, and each discipline can be compared.
func TestDisciplines(t *testing.T) {
	ids := map[string]bool{}
	for _, d := range disciplines() {
		require.False(t, ids[d.ID], d.ID)
		ids[d.ID] = true
		require.NotEmpty(t, d.Metrics, d.ID)
		require.Equal(t, contest.Ours, d.Contestants[0].Role, "%s: the first is what others are compared with", d.ID)
		for _, c := range d.Contestants {
			require.True(t, (c.Sample == nil) != (c.Program == ""), "%s/%s", d.ID, c.Name)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
