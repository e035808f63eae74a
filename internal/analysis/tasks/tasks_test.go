package tasks

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

// The packages in testdata are loaded as packages of this module, so that they compile against
// package task as it is. Patterns such as ./... leave them out.

func run(t *testing.T, a *analysis.Analyzer, name string) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	analysistest.RunWithSuggestedFixes(t, root, a, "./internal/analysis/tasks/testdata/"+name)
}

func TestKept(t *testing.T)      { run(t, Kept, "kept") }
func TestBlocks(t *testing.T)    { run(t, Blocks, "blocks") }
func TestLocked(t *testing.T)    { run(t, Locked, "locked") }
func TestGroup(t *testing.T)     { run(t, Group, "group") }
func TestGoroutine(t *testing.T) { run(t, Goroutine, "goroutine") }
func TestStale(t *testing.T)     { run(t, Stale, "stale") }
