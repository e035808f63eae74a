package compile

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGeneratedFilesAreCurrent requires that the files of this module that the compiler has written are
// what it writes. It loads their packages at once.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	const root = "../.."
	r, err := Run(Config{Dir: root, Patterns: packagesWithOutputs(t, root)})
	require.NoError(t, err)
	require.Empty(t, r.Diagnostics)
	require.NotEmpty(t, r.Outputs)
	for _, o := range r.Outputs {
		require.True(t, o.IsCurrent(), "%s: run framearena gen", o.Name)
	}
}

// packagesWithOutputs returns the folders below root, as patterns, that have files which the compiler
// has written. Other modules are left out.
func packagesWithOutputs(t *testing.T, root string) (patterns []string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, isModule := os.Stat(filepath.Join(path, "go.mod"))
			if path != root && (isModule == nil || strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_task.go") && !strings.HasSuffix(path, "_task_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil || !isGenerated(src) {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if pattern := "./" + filepath.ToSlash(dir); !slices.Contains(patterns, pattern) {
			patterns = append(patterns, pattern)
		}
		return err
	})
	require.NoError(t, err)
	return patterns
}
