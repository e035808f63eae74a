package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// Each example is listed in README.md with its command, has the same command in its doc.go,
// and has a test. An example in a folder of another one is a module of its own.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	examples := 0
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		examples++
		name := entry.Name()
		command := "go run ./examples/" + name + "\n"
		require.Contains(t, string(readme), "**["+name+"]("+name+")**")
		require.Contains(t, string(readme), "\n    "+command)

		doc, err := os.ReadFile(filepath.Join(name, "doc.go"))
		require.NoError(t, err)
		title := string(unicode.ToUpper(rune(name[0]))) + name[1:]
		require.True(t, strings.HasPrefix(string(doc), "// "+title+" "), name)
		require.Contains(t, string(doc), "\n//\t"+command)

		tests, err := filepath.Glob(filepath.Join(name, "*_test.go"))
		require.NoError(t, err)
		require.NotEmpty(t, tests, name)
	}
	modules, err := filepath.Glob("*/*/go.mod")
	require.NoError(t, err)
	for _, module := range modules {
		examples++
		dir := filepath.ToSlash(filepath.Dir(module))
		require.Contains(t, string(readme), "**["+dir+"]("+dir+")**")
		require.Contains(t, string(readme), "\n    cd examples/"+dir+" && go run .\n")
	}
	require.Equal(t, examples, strings.Count(string(readme), "\n**["))
}
