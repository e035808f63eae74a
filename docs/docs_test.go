// Package docs_test checks the Markdown pages of the repository: links have a target, Go code is
// part of an example that is compiled, names exist, and the index has every page.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const root = ".."

// repository is the input of the checks: the Markdown pages by their path from the root, and
// everything that they may refer to.
type repository struct {
	pages    map[string]string
	exists   func(path string) bool
	docs     map[string]string // doc.go files, by their path
	examples []string          // sources in which the pages' Go is compiled
	symbols  *symbols
}

// check checks one property of a page. It returns the faults.
type check func(r *repository, path string) []string

var checks = map[string]check{
	"links":       brokenLinks,
	"code":        uncompiledCode,
	"messages":    unprintedMessages,
	"commands":    unknownCommands,
	"names":       unknownNames,
	"source":      unknownSources,
	"identifiers": unknownIdentifiers,
}

func TestPages(t *testing.T) {
	r := readRepository(t)
	require.Greater(t, len(r.pages), 10)
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for path := range r.pages {
				for _, fault := range check(r, path) {
					t.Errorf("%s: %s", path, fault)
				}
			}
		})
	}
}

// readRepository reads all pages and sources, once.
func readRepository(t *testing.T) *repository {
	t.Helper()
	r, err := readOnce()
	require.NoError(t, err)
	return r
}

var readOnce = sync.OnceValues(func() (*repository, error) {
	r := &repository{pages: make(map[string]string), docs: make(map[string]string), symbols: newSymbols()}
	r.exists = func(path string) bool {
		_, err := os.Stat(filepath.Join(root, path))
		return err == nil
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if name == "testdata" || name == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		short, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		short = filepath.ToSlash(short)
		switch filepath.Ext(name) {
		case ".md":
			text, err := os.ReadFile(path)
			r.pages[short] = string(text)
			return err
		case ".go":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if name == "doc.go" {
				r.docs[short] = string(text)
			}
			if strings.HasPrefix(name, "example") && strings.HasSuffix(name, "_test.go") || strings.HasPrefix(short, "examples/") {
				r.examples = append(r.examples, string(text))
			}
			return r.symbols.add(short, text)
		}
		return nil
	})
	return r, err
})

// fences finds fenced blocks of code, with their language and their text.
var fences = regexp.MustCompile("(?ms)^```(\\w*)\\n(.*?)^```$")

// indented finds lines of code without a fence. On these pages no continuation of a text line is
// indented that far.
var indented = regexp.MustCompile(`(?m)^    .*$`)

// prose is a page without its code blocks.
func prose(page string) string {
	return indented.ReplaceAllString(fences.ReplaceAllString(page, ""), "")
}

// inline finds code spans.
var inline = regexp.MustCompile("`([^`\\n]+)`")

// spans returns the code within the page's text.
func spans(page string) (texts []string) {
	for _, span := range inline.FindAllStringSubmatch(prose(page), -1) {
		texts = append(texts, span[1])
	}
	return texts
}
