package corpus

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/framearena/framearena/internal/compile"
)

// Program is a package that prints something, or fails: a main package, or one with its tests.
type Program struct {
	Name   string // such as go/chan/sieve1.go, where go is the corpus
	dir    string // where it runs; empty: anywhere
	env    []string
	number int
	files  []sourceFile

	// Left is why the program is left out, or empty.
	Left    string
	Without []string // its tests that are not called
	Calls   bool     // it calls functions that are not compiled: methods of instances that only generic functions have
	Counts  Counts

	mustPass bool   // it exits with status 0
	want     string // what it prints, if that is known
	level    level
	alone    bool            // it keeps the name of its package, and its positions, and is a binary of its own
	refused  map[string]bool // functions that the compiler refuses, which therefore get no T
	again    bool            // refused has grown
	texts    []sourceFile    // after rewriting
	failure  error           // of the compiler
	failed   outcome         // on a goroutine, where it should pass
}

// sourceFile is a file and what is in it.
type sourceFile struct {
	name string
	text []byte
}

// runs reports whether the program is not left out, and compiles.
func (p *Program) runs() bool { return p.Left == "" && p.failure == nil }

// text returns what has been made of the program.
func (p *Program) text() string {
	var b strings.Builder
	for _, f := range p.texts {
		fmt.Fprintf(&b, "-- %s --\n%s", f.name, f.text)
	}
	return b.String()
}

// parse parses the files of the program. Each call makes another syntax, which rewriting changes.
func (p *Program) parse(fset *token.FileSet) ([]*ast.File, error) {
	files := make([]*ast.File, 0, len(p.files))
	for _, f := range p.files {
		syntax, err := parser.ParseFile(fset, f.name, f.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, syntax)
	}
	return files, nil
}

// imports returns the paths of all imported packages.
func imports(files []*ast.File) (paths []string) {
	for _, f := range files {
		for _, i := range f.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			paths = append(paths, path)
		}
	}
	return paths
}

// inTheWay are packages that a program cannot import, since what it does then depends on more than
// what the rewritten files say.
var inTheWay = map[string]bool{"C": true, "plugin": true, "embed": true}

// exclude leaves the program out if nothing could be made of it.
func (p *Program) exclude(files []*ast.File) {
	for _, f := range files {
		for _, g := range f.Comments {
			for _, c := range g.List {
				switch {
				case constraint.IsGoBuild(c.Text) && c.Pos() < f.Package && !isBuilt(c.Text):
					p.Left = "is for other systems or settings"
				case strings.HasPrefix(c.Text, "//go:linkname"), strings.HasPrefix(c.Text, "//go:embed"):
					p.Left = "has " + strings.Fields(c.Text)[0]
				}
			}
		}
	}
	for _, path := range imports(files) {
		first, _, _ := strings.Cut(path, "/")
		switch {
		case path == minitestPath:
		case inTheWay[path]:
			p.Left = "imports " + path
		case first == "internal", strings.Contains(path, "/internal/"), strings.Contains(first, "."):
			p.Left = "imports a package that only its own module may, or has"
		}
	}
}

// isBuilt reports whether a build constraint holds here.
func isBuilt(line string) bool {
	expr, err := constraint.Parse(line)
	if err != nil {
		return false
	}
	c := &build.Default
	return expr.Eval(func(tag string) bool {
		return tag == c.GOOS || tag == c.GOARCH || tag == "gc" || tag == "unix" && c.GOOS != "windows" && c.GOOS != "plan9" && c.GOOS != "js" ||
			slices.Contains(c.ReleaseTags, tag) || slices.Contains(c.ToolTags, tag)
	})
}

// prepare rewrites the program, unless it is left out. If not all can be rewritten, it tries less.
func (p *Program) prepare(fset *token.FileSet, i types.Importer) {
	for p.Left == "" {
		err := p.rewrite(fset, i)
		if err == nil {
			return
		}
		if p.level == functionsOnly {
			p.Left = err.Error()
			return
		}
		p.level--
	}
}

// packageName returns the name of the package that is made of the program.
func (p *Program) packageName() string {
	if p.alone {
		return "main"
	}
	return nameOf(p.number)
}

func (p *Program) rewrite(fset *token.FileSet, i types.Importer) error {
	files, err := p.parse(fset)
	if err != nil {
		return fmt.Errorf("does not parse: %w", err)
	}
	pkg, info, err := check(i, fset, "main", files)
	if err != nil {
		p.level = functionsOnly
		return fmt.Errorf("does not type-check: %w", err)
	}
	p.texts, p.Counts, err = rewrite(fset, files, pkg, info, p.packageName(), p.level, p.refused)
	if err != nil {
		return fmt.Errorf("cannot be printed: %w", err)
	}
	again := make([]*ast.File, len(p.texts))
	hasMain := false
	for n, f := range p.texts {
		hasMain = hasMain || bytes.Contains(f.text, []byte("func "+nameMain+"("))
		again[n], err = parser.ParseFile(fset, p.Name+", rewritten: "+f.name, f.text, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("does not parse after rewriting: %w", err)
		}
	}
	if !hasMain {
		return fmt.Errorf("main cannot have a T")
	}
	if _, _, err = check(i, fset, p.packageName(), again); err != nil {
		return fmt.Errorf("does not type-check after rewriting: %w", err)
	}
	return nil
}

// nameOf returns a package's name for the n-th program.
func nameOf(n int) string { return "p" + strconv.Itoa(n) }

// outputName returns what a file of the program is called in the package that is made of it.
func outputName(name string) string {
	base := strings.TrimSuffix(filepath.Base(name), ".go")
	return strings.ReplaceAll(base, "_", "") + "x.go" // no suffix of it is a system's
}

// tryOtherwise reports whether the program is to be rewritten in another way, since on a goroutine it does not
// do what it should: less of it, or so that it keeps the names and positions that it may look at.
func (p *Program) tryOtherwise() bool {
	switch {
	case p.again:
		p.again = false
	case p.Left != errRewriting.Error():
		return false
	case p.level > functionsOnly:
		p.level = functionsOnly
	case !p.alone:
		p.level, p.alone = interfacesToo, true
	default:
		return false
	}
	p.Left, p.failed = "", outcome{}
	return true
}

// refuse notes the function that a diagnostic is about, unless it is main.
func (p *Program) refuse(d compile.Diagnostic) {
	for _, f := range p.texts {
		if f.name != filepath.Base(d.File) {
			continue
		}
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, f.name, f.text, parser.SkipObjectResolution)
		if err != nil {
			return
		}
		for _, decl := range syntax.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fset.Position(fn.Pos()).Line > d.Line || fset.Position(fn.End()).Line < d.Line || fn.Name.Name == nameMain {
				continue
			}
			if name := functionName(fn); !p.refused[name] {
				if p.refused == nil {
					p.refused = map[string]bool{}
				}
				p.refused[name], p.again = true, true
			}
		}
	}
}

// functionName returns the name of a function or method, for people and for [Program.refused].
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	return types.ExprString(fn.Recv.List[0].Type) + "." + fn.Name.Name
}
