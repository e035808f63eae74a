package docs_test

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

const index = "docs/README.md"

var (
	section = regexp.MustCompile(`(?m)^## `)
	row     = regexp.MustCompile(`(?m)^\| \[[^\]]*\]\(([^)]*)\) \|.*\| (\S+) \|$`)
)

// minutes returns how long a page takes to read, at 220 words a minute. A word has a letter or a
// digit, so the bars of tables do not count.
func minutes(page string) float64 {
	words := 0
	for _, field := range strings.Fields(page) {
		if strings.ContainsFunc(field, func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) }) {
			words++
		}
	}
	return float64(words) / 220
}

// indexFaults returns the faults of the index: pages that are missing or there twice, and minutes
// that are wrong by more than one minute and a tenth, so that a page may grow a little.
func indexFaults(r *repository) (faults []string) {
	rows := make(map[string]int)
	for _, found := range row.FindAllStringSubmatch(r.pages[index], -1) {
		to := path.Join("docs", found[1])
		rows[to]++
		if to == generated && found[2] == "generated" {
			continue // its length is that of its tables
		}
		n, err := strconv.Atoi(found[2])
		if is := minutes(r.pages[to]); err != nil || math.Abs(is-float64(n)) > 1+is/10 {
			faults = append(faults, fmt.Sprintf("%s takes %.0f minutes, not %s", to, is, found[2]))
		}
	}
	for page := range r.pages {
		onShelf := path.Dir(page) == "docs" || isForMaintainers(page)
		if onShelf && page != index && rows[page] != 1 {
			faults = append(faults, fmt.Sprintf("%s is there %d times", page, rows[page]))
		}
	}
	return faults
}

func TestIndex(t *testing.T) {
	require.Empty(t, indexFaults(readRepository(t)))
}

// The pages that the index says take 50 minutes do.
func TestReadingPath(t *testing.T) {
	r := readRepository(t)
	sections := section.Split(r.pages[index], -1)
	require.True(t, strings.HasPrefix(sections[1], "To use tasks, 50 minutes\n"))
	sum := 0.0
	for _, found := range row.FindAllStringSubmatch(sections[1], -1) {
		sum += minutes(r.pages[path.Join("docs", found[1])])
	}
	require.InDelta(t, 50, sum, 8)
}
