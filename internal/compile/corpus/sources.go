package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// source is where programs come from.
type source struct {
	name string
	// find returns the programs, or why there are none.
	find func(ctx context.Context, goroot, module string) (programs []*Program, none string, err error)
}

// sources are all corpora.
var sources = []source{
	{"go", goTests},
	{"compiler", compilerTests},
	{"interp", interpTests},
	{"yaegi", yaegiTests},
	{"libraries", libraries},
}

// yaegi is the module whose tests are used if it is in the module cache.
const yaegi = "github.com/traefik/yaegi@v0.16.1"

// Find returns the programs of all corpora with the given names, and what is to be said of those that are
// not there. repository is the directory of this module.
func Find(ctx context.Context, repository string, names []string) (programs []*Program, notes []string, err error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("corpus: go env: %w", err)
	}
	goroot := strings.TrimSpace(string(out))
	for _, s := range sources {
		if !slices.Contains(names, s.name) {
			continue
		}
		some, none, err := s.find(ctx, goroot, repository)
		if err != nil {
			return nil, nil, fmt.Errorf("corpus: %s: %w", s.name, err)
		}
		if none != "" {
			notes = append(notes, s.name+": "+none)
		}
		for _, p := range some {
			p.Name = s.name + "/" + p.Name
			p.number = len(programs)
			p.level = interfacesToo
			programs = append(programs, p)
		}
	}
	return programs, notes, nil
}

// differ are programs that do something else as tasks, and may: they look at what the language leaves open.
var differ = map[string]string{
	"go/typeparam/nested.go":     localNames,
	"go/typeparam/issue54456.go": localNames,
	"go/fixedbugs/issue26094.go": localNames,
	"go/fixedbugs/bug348.go":     onStack,
	"go/fixedbugs/issue14646.go": onStack,
	"go/fixedbugs/issue22083.go": onStack,
	"go/fixedbugs/issue33724.go": onStack,
	"go/fixedbugs/bug347.go":     onStack,
	"go/fixedbugs/issue4562.go":  onStack,
	"go/fixedbugs/issue7690.go":  onStack,
	"go/fixedbugs/issue19040.go": "prints what Go says of a method that is called by a nil pointer, which is about the method there, and about memory here",
	"go/fixedbugs/issue32477.go": kept,
	"go/fixedbugs/issue45045.go": kept,
	"go/fixedbugs/issue15277.go": kept,
	"go/closure.go":              "counts allocations: a frame may need some",
	"go/goprint.go":              "waits until there are so many goroutines",
}

const (
	localNames = "prints names of types that functions declare: they have others in the output"
	onStack    = "looks at the functions on its stack: they have other names and lines in the output"
	kept       = "waits for the garbage collector to find a value: what a function has waited with, or was launched with, lives until it waits again"
)

// mainPrograms returns the programs in the directory that consist of one file, and that the function
// wants. Their names are relative to the root.
func mainPrograms(root, dir string, wants func(text []byte) bool) (programs []*Program, err error) {
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if !wants(text) {
			continue
		}
		programs = append(programs, &Program{Name: path.Join(filepath.ToSlash(dir), filepath.Base(file)), dir: root, files: []sourceFile{{filepath.Base(file), text}}})
	}
	return programs, nil
}

// looksAtNames finds programs that may depend on the names of their functions and types, and on positions.
var looksAtNames = regexp.MustCompile(`runtime\.Caller|runtime\.Stack|debug\.Stack|debug\.PrintStack|FuncForPC|["` + "`" + `( ]main\.[A-Za-z]`)

// goTests are those of Go's own tests that are run without arguments.
func goTests(_ context.Context, goroot, _ string) (programs []*Program, none string, err error) {
	root := filepath.Join(goroot, "test")
	for _, dir := range []string{".", "chan", "ken", "interface", "typeparam", "fixedbugs"} {
		some, err := mainPrograms(root, dir, func(text []byte) bool {
			first, _, _ := bytes.Cut(text, []byte("\n"))
			return strings.TrimSpace(string(first)) == "// run"
		})
		if err != nil {
			return nil, "", err
		}
		programs = append(programs, some...)
	}
	for _, p := range programs {
		p.mustPass = true
		p.alone = looksAtNames.Match(p.files[0].text)
		out, err := os.ReadFile(filepath.Join(root, strings.TrimSuffix(p.Name, ".go")+".out"))
		if err == nil {
			p.want = string(out)
		}
	}
	if len(programs) == 0 {
		none = "this Go installation has come without them"
	}
	return programs, none, nil
}

// compilerTests are the tests of Go's compiler for ranges over functions and for variables of loops.
func compilerTests(_ context.Context, goroot, _ string) (programs []*Program, none string, err error) {
	root := filepath.Join(goroot, "src/cmd/compile/internal")
	programs, err = mainPrograms(root, "loopvar/testdata", func([]byte) bool { return true })
	if err != nil {
		return nil, "", err
	}
	p, err := testsOf(filepath.Join(root, "rangefunc"), nil)
	if err != nil {
		return nil, "", err
	}
	if p != nil {
		p.Name = "rangefunc"
		programs = append(programs, p)
	}
	if len(programs) == 0 {
		none = "this Go installation has come without them"
	}
	return programs, none, nil
}

// interpTests are the programs that x/tools tests its interpreter with. The module requires it.
func interpTests(ctx context.Context, _, module string) (programs []*Program, none string, err error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/tools")
	cmd.Dir = module
	out, err := cmd.Output()
	if err != nil {
		return nil, "", err
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "go/ssa/interp/testdata")
	for _, dir := range []string{".", "fixedbugs"} {
		some, err := mainPrograms(root, dir, isMain)
		if err != nil {
			return nil, "", err
		}
		programs = append(programs, some...)
	}
	for _, p := range programs {
		p.mustPass = true
	}
	return programs, "", nil
}

func isMain(text []byte) bool { return regexp.MustCompile(`(?m)^package main\b`).Match(text) }

// yaegiTests are the programs that an interpreter of Go is tested with.
func yaegiTests(ctx context.Context, _, _ string) (programs []*Program, none string, err error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", yaegi)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "GOPROXY=off")
	out, err := cmd.Output()
	var found struct{ Dir string }
	if json.Unmarshal(out, &found); found.Dir == "" {
		return nil, "not in the module cache: go mod download " + yaegi, nil
	}
	if err != nil {
		return nil, "", err
	}
	programs, err = mainPrograms(filepath.Join(found.Dir, "_test"), ".", isMain)
	for _, p := range programs {
		text := string(p.files[0].text)
		if _, want, ok := strings.Cut(text, "\n// Output:\n"); ok {
			var lines []string
			for line := range strings.Lines(want) {
				rest, isComment := strings.CutPrefix(line, "//")
				if !isComment {
					break
				}
				lines = append(lines, strings.TrimSpace(rest))
			}
			p.want = strings.Join(lines, "\n")
		}
		switch {
		case strings.Contains(text, "\n// Error:"):
			p.Left = "is one that must not compile, or fails"
		case strings.Contains(text, "ListenAndServe("), regexp.MustCompile(`http\.(Get|Post)|net\.(Dial|Lookup|Listen)`).MatchString(text):
			p.Left = "uses the network"
		}
	}
	return programs, "", err
}

// libraries are packages of the standard library with their tests.
func libraries(_ context.Context, goroot, _ string) (programs []*Program, none string, err error) {
	for _, path := range []string{"container/heap", "container/list", "container/ring", "sort", "text/template/parse", "encoding/json", "encoding/csv", "text/tabwriter", "index/suffixarray"} {
		dir := filepath.Join(goroot, "src", path)
		p, err := testsOf(dir, func(name string) bool {
			return !strings.HasPrefix(name, "example_") && !strings.Contains(name, "bench") && !strings.Contains(name, "fuzz")
		})
		if err != nil {
			return nil, "", err
		}
		if p != nil {
			p.Name = path
			programs = append(programs, p)
		}
	}
	return programs, "", nil
}

// testsOf returns a package with its tests as a program, or nil if there is none: all files with the given
// names are one package, whose main function calls the tests one after the other.
func testsOf(dir string, wants func(name string) bool) (*Program, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	p := &Program{dir: dir, mustPass: true}
	fset := token.NewFileSet()
	var files []*ast.File
	var tests []string
	hasTests := wants == nil // then there is nothing but the tests
	for _, name := range names {
		isTest := strings.HasSuffix(name, "_test.go")
		if wants == nil && !isTest || wants != nil && !wants(filepath.Base(name)) {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(fset, filepath.Base(name), text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if isExcludedFile(f) {
			continue
		}
		hasTests = hasTests || isTest
		files = append(files, f)
		if isTest {
			some, without := adaptTests(f)
			tests, p.Without = append(tests, some...), append(p.Without, without...)
		}
	}
	if !hasTests {
		return nil, errors.New(dir + " has no tests")
	}
	own := ""
	if rel := strings.Index(filepath.ToSlash(dir), "/src/"); rel >= 0 {
		own = filepath.ToSlash(dir)[rel+len("/src/"):]
	}
	for _, f := range files {
		f.Name.Name = "main"
		internalize(f, own)
		f.Comments = slices.DeleteFunc(f.Comments, func(g *ast.CommentGroup) bool { return true })
		var b bytes.Buffer
		if err := format.Node(&b, fset, f); err != nil {
			return nil, err
		}
		p.files = append(p.files, sourceFile{fset.Position(f.Package).Filename, b.Bytes()})
	}
	var b bytes.Buffer
	b.WriteString("package main\n\nimport testing \"" + minitestPath + "\"\n\nfunc main() {\n")
	for _, test := range tests {
		fmt.Fprintf(&b, "\tfunc() {\n\t\tt := testing.Start(%q)\n\t\tdefer t.End()\n\t\t%s(t)\n\t}()\n", test, test)
	}
	b.WriteString("\ttesting.Done()\n}\n")
	p.files = append(p.files, sourceFile{"run.go", b.Bytes()})
	return p, nil
}

func isExcludedFile(f *ast.File) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if c.Pos() < f.Package && strings.HasPrefix(c.Text, "//go:build") && !isBuilt(c.Text) {
				return true
			}
		}
	}
	return false
}

// adaptTests takes benchmarks and examples out, and makes parts of tests calls of what they are. It returns
// the names of the tests, and of those that it has taken out since they need package testing itself.
func adaptTests(f *ast.File) (tests, without []string) {
	f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil {
			return false
		}
		name := fn.Name.Name
		if strings.HasPrefix(name, "Test") && name != "TestMain" && len(fn.Type.Params.List) == 1 {
			if needsTesting(fn) {
				without = append(without, name)
				return true
			}
			tests = append(tests, name)
		}
		return strings.HasPrefix(name, "Benchmark") || strings.HasPrefix(name, "Example") || strings.HasPrefix(name, "Fuzz") || name == "TestMain"
	})
	apply(f, func(n ast.Node) ast.Node {
		// t.Run(name, f) becomes a call of a literal that calls f.
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return nil
		}
		s, ok := call.Fun.(*ast.SelectorExpr)
		if id, isIdent := s, ok; !isIdent || id.Sel.Name != "Run" {
			return nil
		}
		if x, ok := s.X.(*ast.Ident); !ok || x.Name != "t" {
			return nil
		}
		sub := ast.NewIdent("sub__")
		body := []ast.Stmt{
			&ast.AssignStmt{Lhs: []ast.Expr{sub}, Tok: token.DEFINE, Rhs: []ast.Expr{&ast.CallExpr{Fun: &ast.SelectorExpr{X: s.X, Sel: ast.NewIdent("Sub")}, Args: call.Args[:1]}}},
			&ast.DeferStmt{Call: &ast.CallExpr{Fun: &ast.SelectorExpr{X: sub, Sel: ast.NewIdent("End")}}},
			&ast.ExprStmt{X: &ast.CallExpr{Fun: call.Args[1], Args: []ast.Expr{sub}}},
		}
		return &ast.CallExpr{Fun: &ast.FuncLit{Type: &ast.FuncType{Params: &ast.FieldList{}}, Body: &ast.BlockStmt{List: body}}}
	})
	return tests, without
}

// needsTesting reports whether a test uses a package that wants a [testing.T].
func needsTesting(fn *ast.FuncDecl) (does bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			x, ok := s.X.(*ast.Ident)
			does = does || ok && x.Name == "synctest"
		}
		return true
	})
	return does
}

// internalize makes a file part of the package with the given path: what it imports from there is its own.
func internalize(f *ast.File, own string) {
	ownName := ""
	used := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok {
				used[id.Name] = true
			}
		}
		return true
	})
	for _, d := range f.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.IMPORT {
			continue
		}
		g.Specs = slices.DeleteFunc(g.Specs, func(s ast.Spec) bool {
			i := s.(*ast.ImportSpec)
			p, _ := strconv.Unquote(i.Path.Value)
			name := path.Base(p)
			if name == "v2" {
				name = path.Base(path.Dir(p))
			}
			if i.Name != nil {
				name = i.Name.Name
			}
			switch p {
			case own:
				ownName = name
				return true
			case "testing", "internal/testenv":
				i.Name, i.Path.Value = ast.NewIdent(path.Base(p)), strconv.Quote(minitestPath)
			case "internal/reflectlite":
				i.Name, i.Path.Value = ast.NewIdent("reflectlite"), `"reflect"`
			}
			return name != "." && name != "_" && !used[name]
		})
	}
	f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
		g, ok := d.(*ast.GenDecl)
		return ok && g.Tok == token.IMPORT && len(g.Specs) == 0
	})
	if ownName == "" || ownName == "." {
		return
	}
	apply(f, func(n ast.Node) ast.Node {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && id.Name == ownName {
				return s.Sel
			}
		}
		return nil
	})
}
