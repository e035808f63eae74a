package fuzz

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The page names every invariant, and shows the failure that the example prints. The tests
// in docs check what all pages must have.
func TestThePageOnTesting(t *testing.T) {
	file, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	page := string(file)
	for _, i := range Invariants() {
		require.Contains(t, page, "\n| `"+string(i)+"` | ")
	}
	example, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, output, ok := strings.Cut(string(example), "\t// Output:\n")
	require.True(t, ok)
	output, _, _ = strings.Cut(output, "\n}\n")
	for line := range strings.Lines(output + "\n") {
		line = strings.TrimPrefix(strings.TrimPrefix(line, "\t//"), " ")
		if strings.TrimSpace(line) != "" {
			require.Contains(t, page, "    "+line)
		}
	}
	for _, name := range regexp.MustCompile("`(Fuzz[A-Z][A-Za-z]*)`").FindAllStringSubmatch(page, -1) {
		found := false
		for _, path := range []string{"targets_test.go", "checked_mode_test.go", "trace_test.go", "example_test.go"} {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			found = found || strings.Contains(string(source), "func "+name[1]+"(f *testing.F)")
		}
		require.True(t, found, "no target is named %s", name[1])
	}
}

// The page lists each option.
func TestThePageListsTheOptions(t *testing.T) {
	page, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	source, err := os.ReadFile("option.go")
	require.NoError(t, err)
	options := regexp.MustCompile(`(?m)^func ([A-Z]\w*)(\[|\().* (?:Check|Stress)?Option \{`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(options), 10)
	for _, o := range options {
		require.Contains(t, string(page), "`"+o[1]+"`")
	}
}
