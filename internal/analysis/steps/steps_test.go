package steps

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"
)

// The packages in testdata are loaded as packages of this module, so that they compile against
// package coro as it is. Patterns such as ./... leave them out.

func run(t *testing.T, a *analysis.Analyzer, name string) {
	t.Parallel()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	analysistest.RunWithSuggestedFixes(t, root, a, "./internal/analysis/steps/testdata/"+name)
}

func TestDropped(t *testing.T) { run(t, Dropped, "dropped") }
func TestTwice(t *testing.T)   { run(t, Twice, "twice") }
func TestLocal(t *testing.T)   { run(t, Local, "local") }
func TestResume(t *testing.T)  { run(t, Resume, "resume") }
func TestEarly(t *testing.T)   { run(t, Early, "early") }
func TestRefused(t *testing.T) { run(t, Refused, "refused") }
func TestKept(t *testing.T)    { run(t, Kept, "kept") }
