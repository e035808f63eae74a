package compile

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// Task functions that plain functions make: literals and method values. A literal is found by its place in
// the source when it is launched, so it can be compiled if its value is its code alone: if it captures
// nothing. What cannot be compiled runs on a goroutine, and is reported.

// OnGoroutine is a task function that runs on a goroutine, because it cannot be compiled.
type OnGoroutine struct {
	Place    ast.Node // the literal, or the method value
	Function string
	Why      string // and what to write instead
}

// FindOnGoroutines returns the task functions that the plain functions of a file make, and that run on
// goroutines.
func FindOnGoroutines(fset *token.FileSet, pkg *types.Package, info *types.Info, file *ast.File) []OnGoroutine {
	p := &plainFinder{fset: fset, pkg: pkg, info: info, syntax: file}
	p.findAll()
	return p.refused
}

// plainFinder looks for the task functions that the plain declarations of a file make.
type plainFinder struct {
	fset   *token.FileSet
	pkg    *types.Package
	info   *types.Info
	syntax *ast.File

	name  string // of the declaration that is looked at
	isGen bool   // it has type parameters
	found int    // literals in it

	compiled []plainLiteral
	refused  []OnGoroutine
}

// plainLiteral is a literal that can be compiled.
type plainLiteral struct {
	lit    *ast.FuncLit
	within string // the name of the declaration
	number int    // of the literal in it
}

// findInPlain finds the task functions that plain declarations of the file make.
func (u *unit) findInPlain(f *file) {
	p := &plainFinder{fset: u.fset, pkg: u.types, info: u.info, syntax: f.syntax}
	p.findAll()
	for _, l := range p.compiled {
		finder := &variableFinder{info: u.info, used: u.usage}
		finder.literal(nil, l.lit, anyLiteral)
		fn := u.newFunction(f, nil, l.lit, nil)
		fn.display, fn.base = l.display(), lowerFirst(l.within)+"Func"+itoa(l.number)
		u.literals[l.lit] = fn
		f.functions = append(f.functions, fn)
		u.findLiterals(f, fn)
	}
	for _, r := range p.refused {
		at := u.fset.Position(r.Place.Pos())
		u.frames = append(u.frames, FrameReport{File: at.Filename, Line: at.Line, Function: r.Function, Points: []PointReport{}, OnGoroutine: r.Why})
	}
}

func (l plainLiteral) display() string { return l.within + ".func" + itoa(l.number) }

func (p *plainFinder) findAll() {
	for _, d := range p.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			object, ok := p.info.Defs[d.Name].(*types.Func)
			if !ok || d.Body == nil || isTaskSignature(object.Signature()) {
				continue
			}
			sig := object.Signature()
			p.begin(d.Name.Name, sig.TypeParams().Len() > 0 || sig.RecvTypeParams().Len() > 0)
			p.walk(d.Body)
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				spec := spec.(*ast.ValueSpec)
				p.begin(spec.Names[0].Name, false)
				for _, v := range spec.Values {
					p.walk(v)
				}
			}
		}
	}
}

// begin begins with another declaration.
func (p *plainFinder) begin(name string, isGen bool) { p.name, p.isGen, p.found = name, isGen, 0 }

func (p *plainFinder) walk(n ast.Node) {
	called := map[*ast.SelectorExpr]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			if s, ok := ast.Unparen(x.Fun).(*ast.SelectorExpr); ok {
				called[s] = true
			}
		case *ast.SelectorExpr:
			if !called[x] {
				p.methodValue(x)
			}
		case *ast.FuncLit:
			if isTaskLiteral(p.info, x) {
				p.literal(x)
				return false
			}
		}
		return true
	})
}

// literal adds a literal to those that are compiled or refused.
func (p *plainFinder) literal(lit *ast.FuncLit) {
	p.found++
	l := plainLiteral{lit, p.name, p.found}
	if why := p.obstacle(lit); why != "" {
		p.refuse(lit, l.display(), why+"; launch a function with a name instead, with what it needs as arguments")
		return
	}
	p.compiled = append(p.compiled, l)
}

// obstacle says why the literal cannot be compiled, or returns an empty string.
func (p *plainFinder) obstacle(lit *ast.FuncLit) string {
	if p.isGen {
		return "it is in a generic function"
	}
	if p.sharesLine(lit) {
		return "another task function begins in its line"
	}
	var captured []string
	ast.Inspect(lit, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		o := p.info.Uses[id]
		if o == nil || o.Pkg() != p.pkg || o.Parent() == nil || o.Parent() == p.pkg.Scope() ||
			lit.Pos() <= o.Pos() && o.Pos() < lit.End() || slices.Contains(captured, o.Name()) {
			return true
		}
		switch o.(type) {
		case *types.Var, *types.Const, *types.TypeName:
			captured = append(captured, o.Name())
		}
		return true
	})
	if len(captured) > 0 {
		return "it uses what the function around it declares: " + strings.Join(captured, ", ")
	}
	return ""
}

// sharesLine reports whether another task literal begins in the line, so that the place does not tell which
// of them is meant.
func (p *plainFinder) sharesLine(lit *ast.FuncLit) bool {
	line := func(l *ast.FuncLit) int { return p.fset.Position(l.Pos()).Line }
	shares := false
	ast.Inspect(p.syntax, func(n ast.Node) bool {
		if other, ok := n.(*ast.FuncLit); ok && other != lit && line(other) == line(lit) && isTaskLiteral(p.info, other) {
			shares = true
		}
		return !shares
	})
	return shares
}

// methodValue reports a method value that cannot be bound.
func (p *plainFinder) methodValue(x *ast.SelectorExpr) {
	s := p.info.Selections[x]
	if s == nil || s.Kind() != types.MethodVal || !isTaskSignature(s.Type().(*types.Signature)) {
		return
	}
	method := s.Obj().(*types.Func)
	recv := types.Unalias(method.Signature().Recv().Type())
	pointer, isPointer := recv.(*types.Pointer)
	why := ""
	switch {
	case types.IsInterface(recv):
		why = "it is a method of an interface"
	case !isPointer:
		why = "its receiver is no pointer"
	case types.Unalias(pointer.Elem()).(*types.Named).TypeArgs().Len() > 0:
		why = "its receiver is generic"
	default:
		return
	}
	p.refuse(x, "the method value "+x.Sel.Name+" in "+p.name, why+"; launch a function that calls the method instead")
}

func (p *plainFinder) refuse(place ast.Node, name, why string) {
	p.refused = append(p.refused, OnGoroutine{place, name, why})
}

// bindLiteral binds a literal of a plain function.
func (f *file) bindLiteral(b *strings.Builder, fn *function) {
	p := f.unit.fset.Position(fn.pos())
	within, _, _ := strings.Cut(fn.display, ".")
	if f.unit.types.Scope().Lookup(within) != nil {
		if _, isVar := f.unit.types.Scope().Lookup(within).(*types.Var); isVar {
			within = ""
		}
	}
	fmt.Fprintf(b, "%s(%q, %d, %q, %s, %s)\n", f.generated("BindLiteral"), baseName(p.Filename), p.Line, within, fn.startName(), f.callFunction(fn))
}
