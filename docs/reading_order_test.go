package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The doc.go of a package with many files says in which order they are read, and leaves none
// out.
func TestEachFileHasItsPlaceInTheReadingOrder(t *testing.T) {
	for _, pkg := range []string{"slab", "bins", "arena", "coro", "executor"} {
		doc, err := os.ReadFile(filepath.Join("..", pkg, "doc.go"))
		require.NoError(t, err)
		files, err := filepath.Glob(filepath.Join("..", pkg, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".go")
			if name == "doc" || strings.HasSuffix(name, "_test") {
				continue
			}
			require.Regexp(t, regexp.MustCompile(`\b`+name+`\b`), string(doc), "%s/doc.go", pkg)
		}
	}
}
