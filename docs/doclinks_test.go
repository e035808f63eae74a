package docs_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// unlinked finds links in the text of a parsed doc comment that the parser has not recognised.
var unlinked = regexp.MustCompile(`\[\*?[A-Za-z]\w*(\.\w+)*\]`)

// unresolved returns the links of a doc comment, such as [Await], that refer to nothing. go doc
// and pkg.go.dev show them with their brackets.
func unresolved(p *comment.Parser, text string) (names []string) {
	var look func(blocks []comment.Block)
	plain := func(texts []comment.Text) {
		for _, t := range texts {
			if t, ok := t.(comment.Plain); ok {
				names = append(names, unlinked.FindAllString(string(t), -1)...)
			}
		}
	}
	look = func(blocks []comment.Block) {
		for _, b := range blocks {
			switch b := b.(type) {
			case *comment.Paragraph:
				plain(b.Text)
			case *comment.Heading:
				plain(b.Text)
			case *comment.List:
				for _, item := range b.Items {
					look(item.Content)
				}
			}
		}
	}
	look(p.Parse(text).Content)
	return names
}

func TestDocLinks(t *testing.T) {
	for _, dir := range []string{"slab", "bins", "arena", "coro", "executor", "task", "fuzz", "inspect", "prom", "cmd/framearena"} {
		t.Run(dir, func(t *testing.T) {
			p := documentation(t, filepath.Join(root, dir))
			links := p.Parser()
			check := func(name, text string) {
				require.Empty(t, unresolved(links, text), name)
			}
			check(p.Name, p.Doc)
			values := append(p.Consts, p.Vars...)
			funcs := p.Funcs
			for _, typ := range p.Types {
				check(typ.Name, typ.Doc)
				values = append(values, append(typ.Consts, typ.Vars...)...)
				funcs = append(funcs, append(typ.Funcs, typ.Methods...)...)
			}
			for _, f := range funcs {
				check(f.Name, f.Doc)
			}
			for _, v := range values {
				check(strings.Join(v.Names, ", "), v.Doc)
			}
		})
	}
}

// documentation parses the package in a folder, with all its files: also those that exclude each
// other by build tags.
func documentation(t *testing.T, dir string) *doc.Package {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	fset := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		require.NoError(t, err)
		file, err := parser.ParseFile(fset, path, source, parser.ParseComments)
		require.NoError(t, err)
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/framearena/framearena/"+filepath.Base(dir))
	require.NoError(t, err)
	return p
}

func TestPlantedDocLinks(t *testing.T) {
	p := documentation(t, filepath.Join(root, "coro")).Parser()
	require.Empty(t, unresolved(p, "[Await] and [Mutex.Lock], see [page].\n\n[page]: https://example.com/\n"))
	require.Equal(t, []string{"[Awaits]", "[Mutex.Locks]"}, unresolved(p, "[Awaits] and [Mutex.Locks]"))
	require.Equal(t, []string{"[Mutex]"}, unresolved(p, "  - all [Mutex]es\n"))
}
