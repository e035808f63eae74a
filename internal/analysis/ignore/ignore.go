// Package ignore finds the comments by which the author of a line says that it is wrong on purpose, so that
// the analyzers of this project do not report it.
package ignore

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// directive is the comment that says that something is wrong on purpose.
const directive = "//framearena:ignore"

// span is a range of lines of a file.
type span struct{ first, last int }

// Lines has the lines of each file, by name, that are wrong on purpose.
type Lines map[string][]span

// Find finds the lines of a package that are wrong on purpose.
func Find(pass *analysis.Pass) Lines {
	found := make(Lines)
	line := func(pos token.Pos) int { return pass.Fset.Position(pos).Line }
	for _, file := range pass.Files {
		name := pass.Fset.Position(file.Package).Filename
		docs := make(map[*ast.CommentGroup]ast.Node)
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				docs[decl.Doc] = decl
			case *ast.GenDecl:
				docs[decl.Doc] = decl
			}
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				if rest, ok := strings.CutPrefix(c.Text, directive); !ok || rest != "" && rest[0] != ' ' {
					continue
				}
				lines := span{line(c.Pos()), line(c.Pos())}
				if !followsCode(file, c, line) {
					lines.last = line(group.End()) + 1
				}
				if of := docs[group]; of != nil {
					lines.last = line(of.End())
				} else if group.End() < file.Package {
					lines = span{1, line(file.FileEnd)}
				}
				found[name] = append(found[name], lines)
			}
		}
	}
	return found
}

// followsCode reports whether there is code before the comment in its line.
func followsCode(file *ast.File, c *ast.Comment, line func(token.Pos) int) (follows bool) {
	of := line(c.Pos())
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil || follows || n.Pos() > c.Pos() {
			return false
		}
		if _, comment := n.(*ast.CommentGroup); comment {
			return false
		}
		follows = line(n.Pos()) == of || n.End() <= c.Pos() && line(n.End()) == of
		return !follows
	})
	return follows
}

// At reports whether the place is wrong on purpose.
func (l Lines) At(fset *token.FileSet, pos token.Pos) bool {
	p := fset.Position(pos)
	for _, s := range l[p.Filename] {
		if s.first <= p.Line && p.Line <= s.last {
			return true
		}
	}
	return false
}
