package compile

import (
	"cmp"
	"fmt"
	"go/token"
	"slices"
)

// Diagnostic is something in the source that cannot be compiled, and what to write instead.
type Diagnostic struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

func (d Diagnostic) String() string {
	return fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Column, d.Message)
}

// diagnostics collects what has been found wrong.
type diagnostics struct {
	fset *token.FileSet
	all  []Diagnostic
}

func (d *diagnostics) at(pos token.Pos, format string, args ...any) {
	p := d.fset.Position(pos)
	d.all = append(d.all, Diagnostic{p.Filename, p.Line, p.Column, fmt.Sprintf(format, args...)})
}

// sorted returns the diagnostics in the order of their places, each once.
func (d *diagnostics) sorted() []Diagnostic {
	slices.SortStableFunc(d.all, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(d.all)
}
