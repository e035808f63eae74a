package docs_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// generated is written by bench's command, on a machine that does nothing else. Links to it are
// correct even if it does not exist.
const generated = "docs/benchmarks.md"

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
)

// brokenLinks returns links to files that do not exist, and to headings that their page does not
// have. It ignores links to other sites.
func brokenLinks(r *repository, from string) (faults []string) {
	text := inline.ReplaceAllString(prose(r.pages[from]), "")
	for _, found := range link.FindAllStringSubmatch(text, -1) {
		if strings.Contains(found[1], "://") || strings.HasPrefix(found[1], "mailto:") {
			continue
		}
		to, anchor, _ := strings.Cut(found[1], "#")
		target := from
		if to != "" {
			target = path.Join(path.Dir(from), to)
		}
		page, isPage := r.pages[target]
		switch {
		case target == generated && !isPage:
		case !isPage && !r.exists(target):
			faults = append(faults, "a link leads to "+found[1]+", which does not exist")
		case anchor != "" && !slices.Contains(anchors(page), anchor):
			faults = append(faults, "a link leads to "+found[1]+", but there is no such heading")
		}
	}
	return faults
}

// anchors returns the names that GitHub gives to the headings of a page.
func anchors(page string) (names []string) {
	seen := make(map[string]int)
	for _, title := range heading.FindAllStringSubmatch(fences.ReplaceAllString(page, ""), -1) {
		name := strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '-'
			case c == '-', c == '_', unicode.IsLetter(c), unicode.IsDigit(c):
				return unicode.ToLower(c)
			}
			return -1
		}, title[1])
		seen[name]++
		if n := seen[name]; n > 1 {
			name = fmt.Sprintf("%s-%d", name, n-1)
		}
		names = append(names, name)
	}
	return names
}

// The comments of packages link to pages by their address in the repository, since pkg.go.dev
// supports nothing else.
func TestLinksOfPackages(t *testing.T) {
	address := regexp.MustCompile(`(?m)^// \[(.*)\]: https://github\.com/framearena/framearena/blob/main/(\S+)$`)
	r := readRepository(t)
	links := 0
	for source, text := range r.docs {
		for _, found := range address.FindAllStringSubmatch(text, -1) {
			links++
			require.Equal(t, found[1], found[2], source)
			require.Contains(t, r.pages, found[2], source)
			require.Greater(t, strings.Count(text, "["+found[1]+"]"), 1, "%s: %s is not referred to", source, found[1])
		}
	}
	require.Greater(t, links, 8)
}
