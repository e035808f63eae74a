package tasks

import (
	"fmt"
	"go/ast"
	"strings"

	"golang.org/x/tools/go/analysis"

	"github.com/framearena/framearena/internal/compile"
)

// Goroutine finds functions that run on goroutines after framearena gen, too.
var Goroutine = &analysis.Analyzer{
	Name: "taskgoroutine",
	Doc: `report a literal or a method value that runs on a goroutine, since framearena gen cannot compile it

A literal that uses variables of a plain function around it is launched as a goroutine, and so are some
method values. That is correct, and costs the memory of a goroutine for each. A function with a name, which
has what it needs as arguments, is compiled.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runGoroutine,
}

func runGoroutine(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, file := range p.files {
		syntax := file.Node().(*ast.File)
		if strings.HasSuffix(pass.Fset.File(syntax.FileStart).Name(), "_test.go") {
			continue // a test launches few functions, and mostly literals, for which a goroutine is as good
		}
		generators := p.generators(syntax)
		for _, f := range compile.FindOnGoroutines(pass.Fset, p.types, p.info, syntax) {
			if generators[f.Place] {
				continue
			}
			p.report(pass, analysis.Diagnostic{
				Pos:     f.Place.Pos(),
				Message: fmt.Sprintf("%s runs on a goroutine: %s", f.Function, f.Why),
			})
		}
	}
	return nil, nil
}

// generators returns the functions that are given to task.Seq, which calls them as they are, on the
// goroutine of the loop.
func (p *pkg) generators(file *ast.File) map[ast.Node]bool {
	found := make(map[ast.Node]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 1 {
			if of, name := method(p.callee(call)); of == "" && name == "Seq" {
				found[ast.Unparen(call.Args[0])] = true
			}
		}
		return true
	})
	return found
}
