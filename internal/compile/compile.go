package compile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build/constraint"
	"go/token"
	"go/types"
	"go/version"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// Config says what to compile.
type Config struct {
	Context  context.Context
	Dir      string   // where patterns begin; the current directory if empty
	Env      []string // of the go command; that of the process if nil
	Patterns []string
	Tags     string
	NoLines  bool // leave out line directives

	// AbsoluteLines has the whole names of files in line directives: a debugger finds the lines by them,
	// but the outputs are those of one folder.
	AbsoluteLines bool
}

// Output is one file as it should be. A file without text should not exist.
type Output struct {
	Name string
	Text []byte
}

// IsCurrent reports whether the file is as it should be.
func (o Output) IsCurrent() bool {
	old, err := os.ReadFile(o.Name)
	if o.Text == nil {
		return errors.Is(err, os.ErrNotExist)
	}
	return err == nil && bytes.Equal(old, o.Text)
}

// Write makes the file as it should be, and leaves it alone if it is.
func (o Output) Write() error {
	switch {
	case o.IsCurrent():
		return nil
	case o.Text == nil:
		return os.Remove(o.Name)
	}
	return os.WriteFile(o.Name, o.Text, 0o644)
}

// Result is what a run has found out.
type Result struct {
	Outputs     []Output
	Diagnostics []Diagnostic
	Frames      []FrameReport // of the functions in the outputs
}

// Run compiles the packages and writes nothing. If there are diagnostics, the outputs are those of
// files without any.
func Run(c Config) (*Result, error) {
	pkgs, fset, err := c.load()
	if err != nil {
		return nil, err
	}
	r := &Result{}
	diag := &diagnostics{fset: fset}
	seen := map[string]bool{}
	dirs := map[string]bool{}
	for _, p := range pkgs {
		if strings.HasSuffix(p.ID, ".test") || p.Types == nil {
			continue
		}
		if err := loadErrors(p); err != nil {
			return nil, err
		}
		if p.PkgPath == taskPath || p.PkgPath == generatedPath {
			continue
		}
		u := newUnit(p, fset, diag, &c)
		outputs, err := u.compile(func(name string) bool { return seen[name] })
		if err != nil {
			return nil, err
		}
		for _, f := range u.files {
			seen[f.name] = true
			dirs[filepath.Dir(f.name)] = true
		}
		r.Outputs = append(r.Outputs, outputs...)
		r.Frames = append(r.Frames, u.frames...)
	}
	if err := r.addStale(dirs, seen); err != nil {
		return nil, err
	}
	slices.SortFunc(r.Outputs, func(a, b Output) int { return cmp.Compare(a.Name, b.Name) })
	r.Diagnostics = diag.sorted()
	return r, nil
}

// addStale adds the files of this compiler whose source has no task functions any more.
func (r *Result) addStale(dirs, loaded map[string]bool) error {
	written := map[string]bool{}
	for _, o := range r.Outputs {
		written[o.Name] = true
	}
	for dir := range dirs {
		old, err := generatedIn(dir)
		if err != nil {
			return err
		}
		for _, name := range old {
			if !written[name] && !isExcluded(name, loaded) {
				r.Outputs = append(r.Outputs, Output{Name: name})
			}
		}
	}
	return nil
}

// isExcluded reports whether the source of an output exists and has not been loaded: it belongs to
// other build tags.
func isExcluded(output string, loaded map[string]bool) bool {
	source := strings.TrimSuffix(output, "_task.go") + ".go"
	if base, ok := strings.CutSuffix(output, "_task_test.go"); ok {
		source = base + "_test.go"
	}
	_, err := os.Stat(source)
	return err == nil && !loaded[source]
}

// loadErrors returns what is wrong with the package itself. It may not compile with an old output,
// which the go command reports, and which does not matter.
func loadErrors(p *packages.Package) error {
	var all []error
	for _, e := range p.Errors {
		if e.Kind == packages.ListError && strings.HasPrefix(e.Msg, "# ") {
			continue
		}
		all = append(all, e)
	}
	return errors.Join(all...)
}

// unit is a package that is compiled.
type unit struct {
	types *types.Package
	info  *types.Info
	fset  *token.FileSet
	diag  *diagnostics
	lines bool // with line directives
	sizes types.Sizes

	lineName func(path string) string // the name of a file in line directives

	files     []*file
	frames    []FrameReport
	functions map[*types.Func]*function
	literals  map[*ast.FuncLit]*function
	order     []*function
	usage     map[*types.Var]*usage
	temporary map[*types.Var]bool

	declarations map[*types.Func]*ast.FuncDecl

	deferredIn map[*ast.FuncLit]*function // of deferred literals that are task functions

	// rawTypes has the types of temporaries that are of package generated.
	rawTypes map[*types.Var]func(*file) string

	awaitCalls map[*ast.CallExpr]bool
	topNames   map[string]bool // that the output declares
	fileNames  map[string]bool // of packages that some file imports
	localTypes map[*types.TypeName]string
}

// file is a source file and its output.
type file struct {
	unit       *unit
	name       string
	syntax     *ast.File
	imports    *imports
	functions  []*function
	promotions []promotion
	callees    callees
	localTypes []*types.TypeName
	hash       string
	constraint constraint.Expr // of the source, or nil
}

func newUnit(p *packages.Package, fset *token.FileSet, diag *diagnostics, c *Config) *unit {
	u := &unit{
		types: p.Types, info: p.TypesInfo, fset: fset, diag: diag, lines: !c.NoLines, lineName: baseName, sizes: p.TypesSizes,
		functions: map[*types.Func]*function{}, literals: map[*ast.FuncLit]*function{},
		usage: map[*types.Var]*usage{}, temporary: map[*types.Var]bool{}, awaitCalls: map[*ast.CallExpr]bool{}, deferredIn: map[*ast.FuncLit]*function{},
		rawTypes: map[*types.Var]func(*file) string{},
		topNames: map[string]bool{}, fileNames: map[string]bool{},
		localTypes: map[*types.TypeName]string{}, declarations: map[*types.Func]*ast.FuncDecl{},
	}
	if c.AbsoluteLines {
		u.lineName = func(path string) string { return path }
	}
	for _, syntax := range p.Syntax {
		f := &file{unit: u, name: fset.File(syntax.FileStart).Name(), syntax: syntax}
		f.imports = newImports(func(s string) bool { return u.types.Scope().Lookup(s) != nil })
		u.files = append(u.files, f)
		for _, d := range syntax.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok {
				if object, ok := u.info.Defs[decl.Name].(*types.Func); ok {
					u.declarations[object] = decl
				}
			}
		}
	}
	return u
}

// compile compiles the package's files except those that are done.
func (u *unit) compile(isDone func(string) bool) ([]Output, error) {
	for _, f := range u.files {
		f.declareImports()
		u.findFunctions(f)
		f.findPromotions()
		u.findInPlain(f)
	}
	u.findSuspending()
	u.nameFunctions()
	for _, f := range u.files {
		f.imports.reserve(generatedPath, "generated")
		f.imports.reserve(coroPath, "coro")
		f.imports.reserve(taskPath, "task")
		f.imports.reserve("unsafe", "unsafe")
	}
	var outputs []Output
	for _, f := range u.files {
		if len(f.functions) == 0 && len(f.promotions) == 0 || isDone(f.name) {
			continue
		}
		text, err := u.compileFile(f)
		if err != nil {
			return nil, err
		}
		if text != nil {
			outputs = append(outputs, Output{outputName(f.name), text})
		}
	}
	return outputs, nil
}

// compileFile returns the output for a file, or nil if something in it cannot be compiled.
func (u *unit) compileFile(f *file) ([]byte, error) {
	before := len(u.diag.all)
	u.checkPredeclared()
	if v := u.info.FileVersions[f.syntax]; v != "" && version.Compare(v, "go1.22") < 0 {
		u.diag.at(f.syntax.Package, "the build constraint makes this file one of %s, where the iterations of a loop share its variables; files with task functions need go1.22", v)
	}
	for _, fn := range f.functions {
		fn.checkUses()
		if fn.suspends {
			fn.checkRecover()
			fn.checkEmbedded()
			u.lower(fn)
		}
	}
	if len(u.diag.all) > before {
		return nil, nil
	}
	for _, fn := range f.functions {
		fn.reserveImports()
	}
	for _, fn := range f.functions {
		fn.prepare()
	}
	if len(u.diag.all) > before {
		return nil, nil
	}
	for _, fn := range f.functions {
		r := fn.report()
		fn.checkDirective(r.FrameBytes)
		u.frames = append(u.frames, r)
	}
	if len(u.diag.all) > before {
		return nil, nil
	}
	if err := f.findHash(); err != nil {
		return nil, err
	}
	return f.text()
}

// checkPredeclared refuses packages that give another meaning to names that the output uses.
func (u *unit) checkPredeclared() {
	for _, name := range []string{"any", "bool", "error", "false", "int", "new", "nil", "panic", "recover", "true", "uintptr"} {
		if o := u.types.Scope().Lookup(name); o != nil && !types.Identical(o.Type().Underlying(), types.Universe.Lookup(name).Type().Underlying()) {
			u.diag.at(o.Pos(), "this package declares %s, which generated code needs as Go has it; give the declaration another name", name)
		}
	}
}

// prepare does everything between lowering and output.
func (fn *function) prepare() {
	fn.nameVariables()
	fn.flow = flatten(fn)
	fn.numberAwaits()
	fn.findTailCalls()
	fn.flow.findLive()
	fn.findSpilled()
	for _, list := range [][]*types.Var{fn.params, fn.results, fn.locals} {
		for _, v := range list {
			if hidden := fn.unit.isNameable(v.Type()); hidden != "" {
				fn.unit.diag.at(v.Pos(), "%s has the type %s, which cannot be named in this package; use it in a function that is not a task function, or convert it to an interface", v.Name(), hidden)
			}
		}
	}
	fn.layout = fn.newLayout()
}

// numberAwaits numbers the resume points; calls that are never reached have none.
func (fn *function) numberAwaits() {
	for _, a := range fn.awaits {
		a.point = 0
	}
	fn.awaits = fn.awaits[:0]
	for _, i := range fn.flow.instrs {
		if i.op == opAwait {
			a := i.node.(*await)
			fn.awaits = append(fn.awaits, a)
			a.point = len(fn.awaits)
		}
	}
	for i, a := range fn.deferredAwaits {
		a.point = len(fn.awaits) + 1 + i // for names only
	}
	fn.flow.gotos = map[string]bool{}
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		if b, ok := n.(*ast.BranchStmt); ok && b.Tok == token.GOTO {
			fn.flow.gotos[b.Label.Name] = true
		}
		_, isLit := n.(*ast.FuncLit)
		return !isLit
	})
}

// declareImports records the names of the packages that the source file imports.
func (f *file) declareImports() {
	for _, spec := range f.syntax.Imports {
		var name *types.PkgName
		if spec.Name != nil {
			name, _ = f.unit.info.Defs[spec.Name].(*types.PkgName)
		} else {
			name, _ = f.unit.info.Implicits[spec].(*types.PkgName)
		}
		if name == nil || name.Name() == "." || name.Name() == "_" {
			continue
		}
		f.imports.declare(name.Imported().Path(), name.Name(), name.Imported().Name())
		f.unit.fileNames[name.Name()] = true
	}
	for _, name := range []string{"generated", "coro", "task", "unsafe"} {
		f.unit.fileNames[name] = true
	}
}

// findFunctions finds the task functions of a file, literals in them included.
func (u *unit) findFunctions(f *file) {
	for _, d := range f.syntax.Decls {
		decl, ok := d.(*ast.FuncDecl)
		if !ok || decl.Body == nil {
			continue
		}
		object, ok := u.info.Defs[decl.Name].(*types.Func)
		if !ok || !isTaskSignature(object.Signature()) || isOperation(object) {
			continue
		}
		u.findVariables(decl)
		fn := u.newFunction(f, decl, nil, nil)
		f.functions = append(f.functions, fn)
		u.findLiterals(f, fn)
	}
}

// findLiterals finds the task functions among the literals in a function.
func (u *unit) findLiterals(f *file, fn *function) {
	fn.findDeferred()
	_, body := fn.syntax()
	ast.Inspect(body, func(n ast.Node) bool {
		lit, ok := n.(*ast.FuncLit)
		if !ok {
			return true
		}
		if u.isTaskFunction(lit) {
			inner := u.newFunction(f, nil, lit, fn)
			u.literals[lit] = inner
			f.functions = append(f.functions, inner)
			inner.findCaptured()
			u.findLiterals(f, inner)
			return false
		}
		return true
	})
}

// findCaptured finds the variables of functions around it that the literal uses.
func (fn *function) findCaptured() {
	seen := varSet{}
	ast.Inspect(fn.lit.Body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		v, ok := fn.unit.info.Uses[id].(*types.Var)
		if !ok || seen[v] || v == fn.t || fn.unit.usage[v] == nil {
			return true
		}
		if v.Pos() < fn.lit.Pos() || v.Pos() >= fn.lit.End() {
			seen[v] = true
			fn.captured = append(fn.captured, v)
		}
		return true
	})
	slices.SortFunc(fn.captured, func(a, b *types.Var) int { return cmp.Compare(a.Pos(), b.Pos()) })
	fn.capturePanic()
}

// suffixes are what the names of a function's parts end in.
var suffixes = []string{"Start", "Step", "Kind", "Size", "Held", "Args", "Result", "Call", "Site1", "Run", "Exit", "At1", "Defer1"}

// nameFunctions makes sure that the names in the output are free.
func (u *unit) nameFunctions() {
	for _, fn := range u.order {
		fn.base = fresh(fn.base, func(base string) bool {
			return slices.ContainsFunc(suffixes, func(s string) bool {
				return u.topNames[base+s] || u.types.Scope().Lookup(base+s) != nil || u.fileNames[base+s]
			})
		})
		for _, s := range suffixes {
			u.topNames[fn.base+s] = true
		}
		u.findLocalTypes(fn)
	}
}

// findHash computes the hash of the source, and finds its build constraint.
func (f *file) findHash() error {
	src, err := os.ReadFile(f.name)
	if err != nil {
		return err
	}
	f.hash = Hash(src)
	for _, group := range f.syntax.Comments {
		if group.Pos() > f.syntax.Package {
			break
		}
		for _, c := range group.List {
			if constraint.IsGoBuild(c.Text) {
				if f.constraint, err = constraint.Parse(c.Text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (o Output) String() string { return fmt.Sprintf("%s (%d bytes)", o.Name, len(o.Text)) }
