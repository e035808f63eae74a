package tasks

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/edge"
	"golang.org/x/tools/go/ast/inspector"
)

// sleepFix replaces the statement that c is, or consists of, by t.Sleep(d).
func (fn *function) sleepFix(pass *analysis.Pass, c inspector.Cursor, d ast.Expr) []analysis.SuggestedFix {
	if c.ParentEdgeKind() == edge.ExprStmt_X {
		c = c.Parent()
	}
	if _, ok := c.Node().(*ast.ExprStmt); !ok || !fn.usesTimeElsewhere() {
		return nil
	}
	return fn.waitFix(pass, c, "Sleep as a task", fmt.Sprintf("%s.Sleep(%s)", fn.t.Name(), fn.text(pass, d)))
}

// afterFix is sleepFix for a receive from the channel, if that is made by time.After.
func (fn *function) afterFix(pass *analysis.Pass, c inspector.Cursor, channel ast.Expr) []analysis.SuggestedFix {
	f, args := fn.pkg.called(channel)
	if f == nil || f.FullName() != "time.After" || len(args) != 1 {
		return nil
	}
	return fn.sleepFix(pass, c, args[0])
}

// usesTimeElsewhere reports whether the file needs package time without the functions that t.Sleep replaces.
// If not, the fix would leave an import that is not used.
func (fn *function) usesTimeElsewhere() bool {
	uses := false
	ast.Inspect(fn.file, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return !uses
		}
		if id, ok := s.X.(*ast.Ident); ok {
			if name, ok := fn.pkg.info.Uses[id].(*types.PkgName); ok && name.Imported().Path() == "time" {
				uses = uses || s.Sel.Name != "Sleep" && s.Sel.Name != "After"
			}
		}
		return !uses
	})
	return uses
}

// sendFix replaces the send statement by task.SendTo.
func (fn *function) sendFix(pass *analysis.Pass, c inspector.Cursor, s *ast.SendStmt) []analysis.SuggestedFix {
	name := fn.importName(s.Pos())
	channel, ok := fn.pkg.info.TypeOf(s.Chan).Underlying().(*types.Chan)
	// The type of the value is inferred from both arguments. Where they differ, that may fail.
	if !ok || name == "" || !types.Identical(channel.Elem(), fn.pkg.info.TypeOf(s.Value)) {
		return nil
	}
	call := fmt.Sprintf("%s.SendTo(%s, %s, %s)", name, fn.t.Name(), fn.text(pass, s.Chan), fn.text(pass, s.Value))
	return fn.waitFix(pass, c, "Send as a task", call)
}

// importName returns the name of package task at pos, or "" if it has none there.
func (fn *function) importName(pos token.Pos) string {
	for _, spec := range fn.file.Imports {
		name := fn.pkg.info.PkgNameOf(spec)
		if name != nil && name.Imported().Path() == taskPath && fn.isVisible(name, pos) {
			return name.Name()
		}
	}
	return ""
}

// isVisible reports whether the name of the object means the object at pos.
func (fn *function) isVisible(o types.Object, pos token.Pos) bool {
	scope := fn.pkg.types.Scope().Innermost(pos)
	if scope == nil {
		return false
	}
	_, at := scope.LookupParent(o.Name(), pos)
	return at == o
}

// waitFix replaces the statement at c by a wait, after which the function returns if that fails. It returns
// nil unless the function has an error as its last result, and the others' zero values can be written.
func (fn *function) waitFix(pass *analysis.Pass, c inspector.Cursor, message, wait string) []analysis.SuggestedFix {
	switch c.ParentEdgeKind() {
	case edge.BlockStmt_List, edge.CaseClause_Body, edge.CommClause_Body:
	default:
		return nil // part of another statement
	}
	n := c.Node()
	results, ok := fn.failure(n.Pos())
	if !ok || !fn.isVisible(fn.t, n.Pos()) || strings.Contains(wait, "\n") {
		return nil
	}
	indent := fn.indent(pass, n.Pos())
	return []analysis.SuggestedFix{{
		Message: message,
		TextEdits: []analysis.TextEdit{{
			Pos: n.Pos(), End: n.End(),
			NewText: fmt.Appendf(nil, "if err := %s; err != nil {\n%s\treturn %s\n%s}", wait, indent, results, indent),
		}},
	}}
}

// failure returns the results of a return statement at pos that returns err.
func (fn *function) failure(pos token.Pos) (results string, ok bool) {
	n := fn.sig.Results().Len()
	if n == 0 || !types.Identical(fn.sig.Results().At(n-1).Type(), types.Universe.Lookup("error").Type()) {
		return "", false
	}
	var all []string
	for i := range n - 1 {
		zero := fn.zero(fn.sig.Results().At(i).Type(), pos)
		if zero == "" {
			return "", false
		}
		all = append(all, zero)
	}
	return strings.Join(append(all, "err"), ", "), true
}

// zero returns the zero value of the type, or "" if it has a name that cannot be written at pos.
func (fn *function) zero(t types.Type, pos token.Pos) string {
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		return ""
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsBoolean != 0:
			return fn.predeclared("false", pos)
		case u.Info()&types.IsNumeric != 0:
			return "0"
		case u.Info()&types.IsString != 0:
			return `""`
		default:
			return fn.predeclared("nil", pos) // an unsafe.Pointer
		}
	case *types.Struct, *types.Array:
		named, ok := types.Unalias(t).(*types.Named)
		if !ok || named.TypeArgs().Len() > 0 || !fn.isVisible(named.Obj(), pos) {
			return ""
		}
		return named.Obj().Name() + "{}"
	default:
		return fn.predeclared("nil", pos)
	}
}

// predeclared returns the name, unless it means something else than usual at pos.
func (fn *function) predeclared(name string, pos token.Pos) string {
	if !fn.isVisible(types.Universe.Lookup(name), pos) {
		return ""
	}
	return name
}

// text returns the source text of e.
func (fn *function) text(pass *analysis.Pass, e ast.Expr) string {
	src, file := fn.source(pass, e.Pos())
	if src == nil {
		return types.ExprString(e)
	}
	return string(src[file.Offset(e.Pos()):file.Offset(e.End())])
}

// indent returns the white space that begins the line of pos.
func (fn *function) indent(pass *analysis.Pass, pos token.Pos) string {
	src, file := fn.source(pass, pos)
	if src == nil {
		return ""
	}
	line := src[bytes.LastIndexByte(src[:file.Offset(pos)], '\n')+1:]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// source returns the text of the file that pos is in. The text is nil if it cannot be read, or is another
// one than that of the syntax.
func (fn *function) source(pass *analysis.Pass, pos token.Pos) ([]byte, *token.File) {
	file := pass.Fset.File(pos)
	src, err := pass.ReadFile(file.Name())
	if err != nil || len(src) != file.Size() {
		return nil, file
	}
	return src, file
}
