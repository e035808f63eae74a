package tasks

import (
	"go/ast"
	"go/types"
	"strings"

	"github.com/framearena/framearena/internal/compile"
)

// taskPath is the import path of package task.
const taskPath = "github.com/framearena/framearena/task"

// isImplementation reports whether p is package task, or the one that generated code calls: what they do
// with a t is what makes task functions work.
func isImplementation(p *types.Package) bool {
	path, _, _ := strings.Cut(p.Path(), " ") // go vet adds the name of the test
	return path == taskPath || strings.HasPrefix(path, taskPath+"/")
}

// taskType returns the name of the type of package task that t is, or "".
func taskType(t types.Type) string {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return ""
	}
	o := named.Obj()
	if o.Pkg() == nil || o.Pkg().Path() != taskPath {
		return ""
	}
	return o.Name()
}

// isT reports whether t is *task.T.
func isT(t types.Type) bool {
	p, ok := types.Unalias(t).(*types.Pointer)
	return ok && taskType(p.Elem()) == "T"
}

// isTask reports whether functions of the signature are task functions.
func isTask(sig *types.Signature) bool {
	return sig.Params().Len() > 0 && isT(sig.Params().At(0).Type())
}

// takesT reports whether a function of the signature has a parameter that is a *task.T.
func takesT(sig *types.Signature) bool {
	for p := range sig.Params().Variables() {
		if isT(p.Type()) {
			return true
		}
	}
	return false
}

// method returns the name of the type of package task that has the method f, and that of the method. The
// first is empty if f is a function; both are if f is not of package task.
func method(f *types.Func) (of, name string) {
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != taskPath {
		return "", ""
	}
	recv := f.Signature().Recv()
	if recv == nil {
		return "", f.Name()
	}
	t := recv.Type()
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	return taskType(t), f.Name()
}

// isGenerated reports whether framearena gen has written the file.
func isGenerated(file *ast.File) bool {
	for _, group := range file.Comments {
		if group.Pos() > file.Package {
			break
		}
		for _, c := range group.List {
			if c.Text == compile.Header {
				return true
			}
		}
	}
	return false
}

// nameOf returns how messages name what is called: time.Sleep, wg.Wait.
func nameOf(call *ast.CallExpr) string { return types.ExprString(ast.Unparen(call.Fun)) }
