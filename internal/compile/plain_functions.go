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

// plainFinder looks for the task functions that one declaration, which is none itself, makes.
type plainFinder struct {
	unit  *unit
	file  *file
	name  string // of the declaration
	isGen bool   // it has type parameters
	found int    // literals
}

// findInPlain finds the task functions that plain declarations of the file make.
func (u *unit) findInPlain(f *file) {
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			object, ok := u.info.Defs[d.Name].(*types.Func)
			if !ok || d.Body == nil || isTaskSignature(object.Signature()) {
				continue
			}
			sig := object.Signature()
			p := &plainFinder{unit: u, file: f, name: d.Name.Name, isGen: sig.TypeParams().Len() > 0 || sig.RecvTypeParams().Len() > 0}
			p.walk(d.Body)
		case *ast.GenDecl:
			if d.Tok != token.VAR {
				continue
			}
			for _, spec := range d.Specs {
				spec := spec.(*ast.ValueSpec)
				p := &plainFinder{unit: u, file: f, name: spec.Names[0].Name}
				for _, v := range spec.Values {
					p.walk(v)
				}
			}
		}
	}
}

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
			if isTaskLiteral(p.unit.info, x) {
				p.literal(x)
				return false
			}
		}
		return true
	})
}

// literal compiles a literal, if that can be done.
func (p *plainFinder) literal(lit *ast.FuncLit) {
	p.found++
	display := p.name + ".func" + itoa(p.found)
	if why := p.obstacle(lit); why != "" {
		p.report(lit.Pos(), display, why+"; launch a function with a name instead, with what it needs as arguments")
		return
	}
	u := p.unit
	finder := &variableFinder{info: u.info, used: u.usage}
	finder.literal(nil, lit, anyLiteral)
	fn := u.newFunction(p.file, nil, lit, nil)
	fn.display, fn.base = display, lowerFirst(p.name)+"Func"+itoa(p.found)
	u.literals[lit] = fn
	p.file.functions = append(p.file.functions, fn)
	u.findLiterals(p.file, fn)
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
		o := p.unit.info.Uses[id]
		if o == nil || o.Pkg() != p.unit.types || o.Parent() == nil || o.Parent() == p.unit.types.Scope() ||
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
	line := func(l *ast.FuncLit) int { return p.unit.fset.Position(l.Pos()).Line }
	shares := false
	ast.Inspect(p.file.syntax, func(n ast.Node) bool {
		if other, ok := n.(*ast.FuncLit); ok && other != lit && line(other) == line(lit) && isTaskLiteral(p.unit.info, other) {
			shares = true
		}
		return !shares
	})
	return shares
}

// methodValue reports a method value that cannot be bound.
func (p *plainFinder) methodValue(x *ast.SelectorExpr) {
	s := p.unit.info.Selections[x]
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
	p.report(x.Pos(), "the method value "+x.Sel.Name+" in "+p.name, why+"; launch a function that calls the method instead")
}

func (p *plainFinder) report(pos token.Pos, name, why string) {
	at := p.unit.fset.Position(pos)
	p.unit.frames = append(p.unit.frames, FrameReport{File: at.Filename, Line: at.Line, Function: name, Points: []PointReport{}, OnGoroutine: why})
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
