package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
)

// TestOutputFitsIntoColumns has 80 columns for everything that people read.
func TestOutputFitsIntoColumns(t *testing.T) {
	trace := traceFile(t, record(t, func(trace *arena.Trace) {
		for range 300 {
			trace.Deallocate(trace.Allocate(300), 300)
		}
		trace.Allocate(70_000)
		trace.Thread().Allocate(100)
	}))
	for _, args := range [][]string{
		{"-n", "1", "-tasks", "100"},
		{"programs", "-part", "0.001", "-rounds", "1"},
		{"replay", "-rounds", "1", trace},
		{"soak", "-round", "1", "-seed", "5"},
		{"version"},
		{"help"}, {"help", "chain"}, {"help", "tasks"}, {"help", "programs"}, {"help", "replay"}, {"help", "map"}, {"help", "soak"},
		{"help", "version"}, {"help", "completion"}, {"help", "help"},
	} {
		status, stdout, stderr := call(t, args...)
		require.Equal(t, exitSuccess, status, stderr)
		for line := range strings.Lines(stdout) {
			if strings.HasPrefix(line, "revision ") {
				continue // it is copied as a whole
			}
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, "%q: %s", args, line)
		}
	}
}

func TestTablesFold(t *testing.T) {
	cells := table{{"name", "first", "second", "third"}, {"a", "1", "22", "333"}, {"long name", "4444", "5", "6"}}
	require.Equal(t, "  name       first  second  third\n  a              1      22    333\n  long name   4444       5      6\n", cells.fold(80))
	require.Equal(t, "  name       first  second\n  a              1      22\n  long name   4444       5\n\n  name       third\n  a            333\n  long name      6\n", cells.fold(27))
	require.Equal(t, 3, strings.Count(cells.fold(1), "  name  "), "one column a block at least")
}

func TestWrapped(t *testing.T) {
	require.Equal(t, "one two\nthree\n", wrapped("one two three", 8))
	require.Equal(t, "averylongword\nx\n", wrapped("averylongword x", 5))
}
