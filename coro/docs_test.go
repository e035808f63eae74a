package coro_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the pages of docs show as Go is in the examples, word for word, and so are
// the messages: there they are compiled and run.
func TestThePagesOfDocs(t *testing.T) {
	paths, err := filepath.Glob("../*/example*_test.go")
	require.NoError(t, err)
	var all strings.Builder
	for _, path := range paths {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		all.Write(file)
	}
	examples := all.String()

	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	withGo := 0
	for _, path := range pages {
		t.Run(filepath.Base(path), func(t *testing.T) {
			page, err := os.ReadFile(path)
			require.NoError(t, err)
			parts := strings.Split(string(page), "```go\n")[1:]
			if len(parts) > 0 {
				withGo++
			}
			for _, part := range parts {
				code, _, closed := strings.Cut(part, "```\n")
				require.True(t, closed)
				require.True(t, strings.Contains(examples, code), "not in any example:\n%s", code)
			}
			for line := range strings.Lines(string(page)) {
				if message, ok := strings.CutPrefix(line, "    coro: "); ok {
					require.True(t, strings.Contains(examples, "// coro: "+message), "no example prints %q", message)
				}
			}
		})
	}
	require.GreaterOrEqual(t, withGo, 4, "pages that have Go")
}
