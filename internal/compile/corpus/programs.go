package corpus

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Program is one of Go's own tests: a main package of one file, which prints what it should, or fails.
type Program struct {
	Name   string // such as chan/sieve1.go
	number int
	text   []byte // after rewriting

	// Left is why the program is left out, or empty.
	Left   string
	Counts Counts

	failure error // of the compiler
	file    *ast.File
}

// runs reports whether the program is not left out, and compiles.
func (p *Program) runs() bool { return p.Left == "" && p.failure == nil }

// tests are the directories of Go's tests that are programs.
var tests = []string{".", "chan", "ken", "interface", "typeparam", "fixedbugs"}

// inTheWay are packages that a program cannot import, since what it does then depends on more than
// its code, or it starts other programs.
var inTheWay = map[string]bool{"C": true, "os/exec": true, "os/signal": true, "net": true, "syscall": true, "plugin": true, "embed": true}

// differ are programs that do something else as tasks, as documented.
var differ = map[string]string{
	"typeparam/nested.go": "prints the names of types that functions declare: they have others in the output",
}

// exotic is what shows that a program depends on more than its code.
var exotic = []struct{ text, why string }{
	{"runtime.Caller", "looks at its own positions"},
	{"runtime.Stack", "looks at its own positions"},
	{"ReadMemStats", "counts allocations"},
	{"SetFinalizer", "depends on when the garbage collector finds what"},
	{"AddCleanup", "depends on when the garbage collector finds what"},
}

// Find returns the programs of Go's tests that are run without arguments.
// There are none if the Go installation has come without its tests.
func Find(ctx context.Context, fset *token.FileSet) ([]*Program, error) {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("corpus: go env: %w", err)
	}
	root := filepath.Join(strings.TrimSpace(string(goroot)), "test")
	var all []*Program
	for _, dir := range tests {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			first, _, _ := bytes.Cut(src, []byte("\n"))
			if strings.TrimSpace(string(first)) != "// run" {
				continue
			}
			name, err := filepath.Rel(root, file)
			if err != nil {
				return nil, err
			}
			p := &Program{Name: name, number: len(all)}
			all = append(all, p)
			p.file, err = parser.ParseFile(fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				p.Left = "does not parse: " + err.Error()
				continue
			}
			p.Left = cmp.Or(differ[name], directives(p.file))
			for _, e := range exotic {
				if bytes.Contains(src, []byte(e.text)) {
					p.Left = e.why
				}
			}
			for _, i := range p.file.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				if inTheWay[path] || strings.HasPrefix(path, "internal/") || strings.HasPrefix(path, "./") {
					p.Left = "imports " + path
				}
				if i.Name != nil && i.Name.Name == "." {
					p.Left = "imports " + path + " with a dot"
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b *Program) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// directives returns which comment would be lost that a program needs, or an empty string.
func directives(f *ast.File) string {
	for _, g := range f.Comments {
		for _, c := range g.List {
			for _, d := range []string{"//go:build", "//go:linkname", "//go:embed", "//go:notinheap"} {
				if strings.HasPrefix(c.Text, d) {
					return "has " + d
				}
			}
		}
	}
	return ""
}

// newImporter returns an importer for the packages that the programs import, and for task. dir is in the
// module.
func newImporter(ctx context.Context, dir string, fset *token.FileSet, programs []*Program) (types.Importer, error) {
	paths := map[string]bool{"github.com/framearena/framearena/task": true}
	for _, p := range programs {
		if p.Left == "" {
			for _, i := range p.file.Imports {
				path, _ := strconv.Unquote(i.Path.Value)
				paths[path] = true
			}
		}
	}
	args := []string{"list", "-deps", "-export", "-f", "{{.ImportPath}}\t{{.Export}}"}
	for path := range paths {
		args = append(args, path)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("corpus: go list: %w: %s", err, &failed)
	}
	files := map[string]string{} // of export data, by path
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("corpus: no export data of %s", path)
		}
		return os.Open(files[path])
	}), nil
}

// check type-checks a file as a package of the given path.
func check(i types.Importer, fset *token.FileSet, path string, file *ast.File) (*types.Info, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Instances: map[*ast.Ident]types.Instance{}, Implicits: map[ast.Node]types.Object{}}
	config := types.Config{Importer: i, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	_, err := config.Check(path, fset, []*ast.File{file}, info)
	return info, err
}

// prepare rewrites the program, unless it is left out.
func (p *Program) prepare(fset *token.FileSet, i types.Importer) {
	if p.Left != "" {
		return
	}
	info, err := check(i, fset, "main", p.file)
	if err != nil {
		p.Left = "does not type-check: " + err.Error()
		return
	}
	p.text, p.Counts, err = rewrite(fset, p.file, info, nameOf(p.number))
	if err != nil {
		p.Left = "cannot be printed: " + err.Error()
		return
	}
	if !bytes.Contains(p.text, []byte("func "+nameMain+"(")) {
		p.Left = "main cannot have a T"
		return
	}
	file, err := parser.ParseFile(fset, p.Name+", rewritten", p.text, parser.SkipObjectResolution)
	if err == nil {
		_, err = check(i, fset, nameOf(p.number), file)
	}
	if err != nil {
		p.Left = "does not type-check after rewriting: " + err.Error()
	}
}
