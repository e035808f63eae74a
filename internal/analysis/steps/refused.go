package steps

import (
	"fmt"
	"go/ast"
	"go/types"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/cfg"
)

// Refused finds waits after which nobody asks whether they have succeeded.
var Refused = &analysis.Analyzer{
	Name: "steprefused",
	Doc: `report a wait that can be refused, and a next step that does not ask f.Err()

When a task is cancelled, or a channel is closed, a wait ends without what the task has waited
for, and f.Err() says why. A step that does not ask unlocks a Mutex that it has not got, uses a
value that was not received, or waits again, which is refused at once, for ever.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runRefused,
}

func runRefused(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, s := range p.steps {
		if !s.isKind || s.frame == nil || isPlainTest(pass.Fset.Position(s.node.Pos()).Filename) {
			continue
		}
		for _, w := range s.waits() {
			k, _, ok := s.point(w)
			if !ok || s.asks(k) {
				continue
			}
			harm := s.harm(w, k)
			if harm == "" {
				continue
			}
			p.report(pass, analysis.Diagnostic{
				Pos: w.call.Pos(),
				End: w.call.End(),
				Message: fmt.Sprintf("%s can be refused, and the step at %d does not ask f.Err(): %s; begin that step with if f.Err() != nil { return f.Fail(f.Err()) }",
					nameOf(w.call), k, harm),
			})
		}
	}
	return nil, nil
}

// isPlainTest reports whether the file has tests and no examples. Nothing cancels the tasks of
// most tests, so they do not ask. Examples are read, and copied.
func isPlainTest(file string) bool {
	name := filepath.Base(file)
	return strings.HasSuffix(name, "_test.go") && !strings.HasPrefix(name, "example")
}

// receiver returns the name of the type that the method f has, or "".
func receiver(f *types.Func) string {
	recv := f.Signature().Recv()
	if recv == nil {
		return ""
	}
	t := recv.Type()
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	return coroType(t)
}

// harm returns what goes wrong if w is refused and the step at k does not notice it, or "".
func (s *step) harm(w wait, k int64) string {
	switch receiver(w.fn) + "." + w.fn.Name() {
	case "Mutex.Lock":
		return "it may not have the lock"
	case "Semaphore.Acquire":
		return "it may not have acquired anything"
	case "Chan.Recv", ".RecvFrom":
		return "it may not have received a value"
	case "Chan.Send", ".SendTo":
		return "its value may not have been sent"
	case ".Select":
		for _, arg := range w.call.Args {
			if call, ok := ast.Unparen(arg).(*ast.CallExpr); ok && isCoro(s.pkg.callee(call), "Default") {
				return "" // does not wait
			}
		}
		return "it may be that no case has happened"
	case ".Blocking", "Handle.Await", ".AwaitOn":
		return "it may not have a result"
	case ".Sleep", ".SleepUntil", "Event.Wait", "WaitGroup.Wait", "Cond.Wait", ".Suspend", ".WaitContext", "Group.Wait", "Group.WaitRoom":
		if s.flow.at(k)[w.block] && !s.canEnd(k, make(map[int64]bool)) {
			return "a cancelled task would wait again, be refused at once, and so on for ever"
		}
	}
	return ""
}

// canEnd reports whether the task can end in the step at the resume point k, or in one that
// follows it. seen has the resume points that have been looked at.
func (s *step) canEnd(k int64, seen map[int64]bool) bool {
	if seen[k] {
		return false
	}
	seen[k] = true
	at := s.flow.at(k)
	made := make(map[*cfg.Block]bool)
	for _, w := range s.waits() {
		if !at[w.block] {
			continue
		}
		made[w.block] = true
		next, _, ok := s.point(w)
		if !ok && !isCoro(w.fn, "BadResume") || ok && s.canEnd(next, seen) {
			return true
		}
	}
	for b := range at { // a Step that is made elsewhere, or a panic
		if len(s.flow.next(b, k)) == 0 && !made[b] {
			return true
		}
	}
	return false
}

// asks reports whether a step at the resume point k may ask for the error: it calls a method
// Err, or gives the frame to a function that may.
func (s *step) asks(k int64) bool {
	for b := range s.flow.at(k) {
		for _, n := range b.Nodes {
			asks := false
			ast.Inspect(n, func(m ast.Node) bool {
				call, ok := m.(*ast.CallExpr)
				if !ok {
					return !asks
				}
				if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && (sel.Sel.Name == "Err" || sel.Sel.Name == "Closed" || sel.Sel.Name == "Context") {
					asks = true
				}
				if _, ok := ast.Unparen(call.Fun).(*ast.Ident); ok && s.pkg.isLocalFunction(call) {
					asks = true // a local function, which may have the frame
				}
				if callee := s.pkg.callee(call); !isCoro(callee) {
					for _, arg := range call.Args {
						asks = asks || isFrame(s.pkg.info.TypeOf(arg))
					}
				}
				return !asks
			})
			if asks {
				return true
			}
		}
	}
	return false
}

// isLocalFunction reports whether call calls a function that is in a variable.
func (p *pkg) isLocalFunction(call *ast.CallExpr) bool {
	_, ok := p.object(call.Fun).(*types.Var)
	return ok
}
