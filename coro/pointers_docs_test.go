package coro_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What docs/pointers.md shows is in the examples, word for word.
func TestThePageOnPointers(t *testing.T) {
	page, err := os.ReadFile("../docs/pointers.md")
	require.NoError(t, err)
	examples, err := os.ReadFile("example_held_test.go")
	require.NoError(t, err)
	parts := strings.Split(string(page), "```go\n")[1:]
	require.NotEmpty(t, parts)
	for _, part := range parts {
		code, _, closed := strings.Cut(part, "```\n")
		require.True(t, closed)
		require.Contains(t, string(examples), code)
	}
	for line := range strings.Lines(string(page)) {
		if message, ok := strings.CutPrefix(line, "    coro: "); ok {
			require.Contains(t, string(examples), "// coro: "+message)
		}
	}
}
