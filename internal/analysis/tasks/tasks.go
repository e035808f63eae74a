package tasks

import (
	"go/ast"
	"go/types"
	"iter"
	"reflect"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/types/typeutil"

	"github.com/framearena/framearena/internal/analysis/ignore"
)

// Analyzers returns all analyzers of the package.
func Analyzers() []*analysis.Analyzer {
	return []*analysis.Analyzer{Kept, Blocks, Locked, Group, Goroutine, Stale}
}

// found finds the task functions of a package. Its result, a *pkg, is what the analyzers work with.
var found = &analysis.Analyzer{
	Name:       "taskfunctions",
	Doc:        "find task functions, for the other analyzers",
	Requires:   []*analysis.Analyzer{inspect.Analyzer},
	ResultType: reflect.TypeFor[*pkg](),
	Run:        findTasks,
}

// pkg is what is known of one package. Analyzers run concurrently, so none of them writes to it.
type pkg struct {
	info      *types.Info
	types     *types.Package
	files     []inspector.Cursor // that framearena gen has not written
	functions []*function
	literals  map[*ast.FuncLit]*function
	declared  map[*types.Func]*function
	byT       map[*types.Var]*function
	waiting   map[*types.Func]bool // of declared: may wait
	ignored   ignore.Lines
}

// function is a task function.
type function struct {
	pkg    *pkg
	file   *ast.File
	cursor inspector.Cursor // of the *ast.FuncDecl or *ast.FuncLit
	body   *ast.BlockStmt
	sig    *types.Signature
	t      *types.Var // the first parameter; it may have no name
}

func findTasks(pass *analysis.Pass) (any, error) {
	p := &pkg{
		info:     pass.TypesInfo,
		types:    pass.Pkg,
		literals: make(map[*ast.FuncLit]*function),
		declared: make(map[*types.Func]*function),
		byT:      make(map[*types.Var]*function),
		waiting:  make(map[*types.Func]bool),
		ignored:  ignore.Find(pass),
	}
	if isImplementation(pass.Pkg) {
		return p, nil
	}
	in := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	for file := range in.Root().Children() {
		syntax := file.Node().(*ast.File)
		if isGenerated(syntax) {
			continue
		}
		p.files = append(p.files, file)
		for c := range file.Preorder((*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)) {
			fn := &function{pkg: p, file: syntax, cursor: c}
			switch n := c.Node().(type) {
			case *ast.FuncDecl:
				f, ok := p.info.Defs[n.Name].(*types.Func)
				if !ok || n.Body == nil || !isTask(f.Signature()) {
					continue
				}
				fn.body, fn.sig = n.Body, f.Signature()
				p.declared[f] = fn
			case *ast.FuncLit:
				sig, ok := p.info.TypeOf(n).(*types.Signature)
				if !ok || !isTask(sig) {
					continue
				}
				fn.body, fn.sig = n.Body, sig
				p.literals[n] = fn
			}
			fn.t = fn.sig.Params().At(0)
			p.byT[fn.t] = fn
			p.functions = append(p.functions, fn)
		}
	}
	p.findWaiting()
	return p, nil
}

// nodes returns an iterator over the nodes of some types in the files that are analyzed.
func (p *pkg) nodes(of ...ast.Node) iter.Seq[inspector.Cursor] {
	return func(yield func(inspector.Cursor) bool) {
		for _, file := range p.files {
			for c := range file.Preorder(of...) {
				if !yield(c) {
					return
				}
			}
		}
	}
}

// own calls f for the function's body and what is in it, without the functions in it,
// until f returns false for a node.
func (fn *function) own(f func(c inspector.Cursor) (descend bool)) {
	body, ok := fn.cursor.FindNode(fn.body)
	if !ok {
		return
	}
	body.Inspect(nil, func(c inspector.Cursor) bool {
		if _, literal := c.Node().(*ast.FuncLit); literal {
			return false
		}
		return f(c)
	})
}

// callee returns the function or method that is called, or nil if that is not known.
func (p *pkg) callee(call *ast.CallExpr) *types.Func {
	f, ok := typeutil.Callee(p.info, call).(*types.Func)
	if !ok {
		return nil
	}
	return f.Origin()
}

// report reports a diagnostic, unless a comment says that the place is wrong on purpose.
func (p *pkg) report(pass *analysis.Pass, d analysis.Diagnostic) {
	if !p.ignored.At(pass.Fset, d.Pos) {
		pass.Report(d)
	}
}
