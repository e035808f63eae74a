package coro_test

import (
	"os"
	"path/filepath"
	"regexp"
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

// The program of README.md is an example, but for its package clause.
func TestTheProgramOfReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	example, err := os.ReadFile("example_readme_test.go")
	require.NoError(t, err)

	_, program, found := strings.Cut(string(readme), "```go\npackage main\n")
	require.True(t, found)
	program, _, found = strings.Cut(program, "\n}\n```")
	require.True(t, found)
	imports, rest, found := strings.Cut(program, ")\n\n")
	require.True(t, found)
	decls, body, found := strings.Cut(rest, "func main() {")
	require.True(t, found)
	for _, part := range []string{imports, decls, body} {
		require.Contains(t, string(example), part)
	}
}

// Links between pages lead to a file and, where they name one, to a heading in it.
func TestTheLinksOfDocs(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	links := 0
	for _, path := range append(pages, "../README.md") {
		page, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(string(page), ""), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			links++
			to, heading, _ := strings.Cut(found[1], "#")
			target := path
			if to != "" {
				target = filepath.Join(filepath.Dir(path), to)
			}
			_, err := os.Stat(target)
			require.NoError(t, err, "%s has a link to %s", path, found[1])
			if heading != "" {
				text, err := os.ReadFile(target)
				require.NoError(t, err)
				require.Contains(t, headingsOf(string(text)), heading, "%s has a link to %s", path, found[1])
			}
		}
	}
	require.Greater(t, links, 20)
}

var (
	code    = regexp.MustCompile("(?s)```.*?```|`[^`]*`")
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	inTitle = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// headingsOf returns the anchors of a page's headings.
func headingsOf(page string) (anchors []string) {
	for line := range strings.Lines(page) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			title = inTitle.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
			anchors = append(anchors, strings.ReplaceAll(title, " ", "-"))
		}
	}
	return anchors
}
