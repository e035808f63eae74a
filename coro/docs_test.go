package coro_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The program of doc.go is that of an example.
func TestTheProgramOfDocGo(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	example, err := os.ReadFile("example_retry_test.go")
	require.NoError(t, err)

	_, program, found := strings.Cut(string(doc), "//\t// retry is the state")
	require.True(t, found)
	program, _, found = strings.Cut("//\t// retry is the state"+program, "//\n// # ")
	require.True(t, found)
	program = strings.NewReplacer("//\t", "", "//\n", "\n").Replace(program)
	require.Contains(t, string(example), program)
}
