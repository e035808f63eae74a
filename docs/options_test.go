package docs_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each option of a package is on the package's page.
func TestEachOptionIsOnItsPage(t *testing.T) {
	r := readRepository(t)
	for _, test := range []struct {
		pkg, page string
		least     int
	}{
		{"arena", "docs/allocator.md", 5},
		{"coro", "docs/hand-written-steps.md", 8},
		{"task", "docs/tasks.md", 7},
		{"executor", "docs/executors.md", 8},
		{"fuzz", "docs/testing.md", 10},
	} {
		options := r.symbols.options[test.pkg]
		require.GreaterOrEqual(t, len(options), test.least)
		for _, name := range options {
			require.Regexp(t, regexp.MustCompile("`[^`\\n]*\\b"+name+"\\b[^`\\n]*`"), r.pages[test.page], "%s.%s", test.pkg, name)
		}
	}
}
