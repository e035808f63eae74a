// Package tempmodule makes modules in temporary directories for tests that build programs.
package tempmodule

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes the go.mod and the go.sum of a module in an empty directory. The module has all requirements of
// the repository's, and uses the repository, an absolute path, as it is. If its own path lies in that of the
// repository's module, its packages may import internal ones.
func Write(dir, path, repository string) error {
	mod, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		return err
	}
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(mod, []byte("\n")) // behind the module's path
	mod = fmt.Appendf(nil, "module %s\n%s\nrequire github.com/framearena/framearena v0.0.0\n\nreplace github.com/framearena/framearena => %s\n", path, rest, repository)
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "go.mod"), mod, 0o644),
		os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644),
	)
}
