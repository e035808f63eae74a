package tasks

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/ast/inspector"
	"golang.org/x/tools/go/cfg"
)

// Locked finds waits during which a lock of package sync is held.
var Locked = &analysis.Analyzer{
	Name: "tasklocked",
	Doc: `report a wait while a sync.Mutex or sync.RWMutex is locked

While a task function waits, its worker runs other tasks. One that locks the same mutex blocks the worker,
and all others if there are enough of them: so the first may never go on, and the mutex stays locked. A
task.Mutex is waited for by the task alone.`,
	Requires: []*analysis.Analyzer{found},
	Run:      runLocked,
}

// unlocks has the methods that lock, and those that end that.
var unlocks = map[string]string{
	"(*sync.Mutex).Lock":    "(*sync.Mutex).Unlock",
	"(*sync.RWMutex).Lock":  "(*sync.RWMutex).Unlock",
	"(*sync.RWMutex).RLock": "(*sync.RWMutex).RUnlock",
	"(sync.Locker).Lock":    "(sync.Locker).Unlock",
}

func runLocked(pass *analysis.Pass) (any, error) {
	p := pass.ResultOf[found].(*pkg)
	for _, fn := range p.functions {
		var locks []lock
		fn.own(func(c inspector.Cursor) bool {
			if s, ok := c.Node().(*ast.ExprStmt); ok {
				if l, ok := fn.lock(c, s); ok {
					locks = append(locks, l)
				}
			}
			return true
		})
		if len(locks) == 0 {
			continue
		}
		graph := cfg.New(fn.body, func(call *ast.CallExpr) bool { return !isPanic(p.info, call) })
		for _, l := range locks {
			if wait := l.firstWait(graph); wait != nil {
				instead := "task.Mutex"
				if l.unlock != "(*sync.Mutex).Unlock" && l.unlock != "(sync.Locker).Unlock" {
					instead = "task.RWMutex"
				}
				p.report(pass, analysis.Diagnostic{
					Pos: wait.Pos(),
					End: wait.End(),
					Message: fmt.Sprintf("%s may wait while %s is locked, since line %d: unlock it before, or use a %s",
						nameOf(wait), l.name, pass.Fset.Position(l.at.Pos()).Line, instead),
				})
			}
		}
	}
	return nil, nil
}

func isPanic(info *types.Info, call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	return ok && info.Uses[id] == types.Universe.Lookup("panic")
}

// lock is a statement that locks a mutex.
type lock struct {
	fn     *function
	at     *ast.ExprStmt
	name   string       // of the mutex, as the source has it
	root   types.Object // that the name begins with
	unlock string       // the full name of the method that unlocks it

	// where has the conditions that are known where it is locked. A function that locks under a
	// condition mostly unlocks under the same one.
	where map[string]bool
}

// lock returns the lock that the statement at c is. It has none if nobody else can lock the mutex, or if the
// function unlocks it nowhere, or in a literal: then it is not known when it does.
func (fn *function) lock(c inspector.Cursor, s *ast.ExprStmt) (lock, bool) {
	call, ok := s.X.(*ast.CallExpr)
	if !ok {
		return lock{}, false
	}
	f := fn.pkg.callee(call)
	if f == nil || unlocks[f.FullName()] == "" {
		return lock{}, false
	}
	l := lock{fn: fn, at: s, unlock: unlocks[f.FullName()], where: make(map[string]bool)}
	if l.name, l.root = fn.pkg.place(receiver(call)); l.root == nil || fn.isPrivateMutex(receiver(call)) {
		return lock{}, false
	}
	unlocked := false
	for c := range fn.cursor.Preorder((*ast.CallExpr)(nil)) {
		if !l.isUnlock(c.Node().(*ast.CallExpr)) {
			continue
		}
		if _, captured := fn.capturedBy(c); captured {
			return lock{}, false
		}
		unlocked = true
	}
	for i := range c.Enclosing((*ast.IfStmt)(nil)) {
		if !fn.cursor.Contains(i) {
			break
		}
		n := i.Node().(*ast.IfStmt)
		l.know(n.Cond, n.Body.Pos() <= s.Pos() && s.Pos() < n.Body.End())
	}
	if before, ok := c.PrevSibling(); ok {
		l.knowAssigned(before.Node())
	}
	if after, ok := c.NextSibling(); ok {
		l.knowAssigned(after.Node())
	}
	return l, unlocked
}

// knowAssigned adds what the statement beside the lock assigns, if that is true or false: it may note that the
// mutex is locked.
func (l *lock) knowAssigned(n ast.Node) {
	a, ok := n.(*ast.AssignStmt)
	if !ok || len(a.Lhs) != 1 || len(a.Rhs) != 1 {
		return
	}
	if v := l.fn.pkg.info.Types[a.Rhs[0]].Value; v != nil && v.Kind() == constant.Bool {
		l.know(a.Lhs[0], constant.BoolVal(v))
	}
}

// know adds that the condition is true, or false, where the mutex is locked.
func (l *lock) know(cond ast.Expr, is bool) {
	cond = ast.Unparen(cond)
	if b, ok := cond.(*ast.BinaryExpr); ok && (b.Op == token.LAND && is || b.Op == token.LOR && !is) {
		l.know(b.X, is)
		l.know(b.Y, is)
		return
	}
	if u, ok := cond.(*ast.UnaryExpr); ok && u.Op == token.NOT {
		l.know(u.X, !is)
		return
	}
	l.where[types.ExprString(cond)] = is
}

// receiver returns what the method of the call is called on, or nil.
func receiver(call *ast.CallExpr) ast.Expr {
	if s, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		return s.X
	}
	return nil
}

// place returns how the source names the place of a mutex, and the variable that the name begins with. That
// is nil if two expressions that look like e may be different places.
func (p *pkg) place(e ast.Expr) (name string, root types.Object) {
	switch x := e.(type) {
	case *ast.Ident:
		return x.Name, p.info.Uses[x]
	case *ast.SelectorExpr:
		name, root = p.place(x.X)
		return name + "." + x.Sel.Name, root
	case *ast.ParenExpr:
		return p.place(x.X)
	case *ast.UnaryExpr:
		if x.Op == token.AND {
			return p.place(x.X)
		}
	case *ast.StarExpr:
		return p.place(x.X)
	}
	return "", nil
}

// isUnlock reports whether the call ends the lock.
func (l *lock) isUnlock(call *ast.CallExpr) bool {
	f := l.fn.pkg.callee(call)
	if f == nil || f.FullName() != l.unlock {
		return false
	}
	name, root := l.fn.pkg.place(receiver(call))
	return root == l.root && name == l.name
}

// firstWait returns the first call, in the order of the source, that may wait while the mutex is locked, or
// nil.
func (l *lock) firstWait(graph *cfg.CFG) (first *ast.CallExpr) {
	seen := make(map[*cfg.Block]bool)
	var walk func(b *cfg.Block, nodes []ast.Node)
	walk = func(b *cfg.Block, nodes []ast.Node) {
		for _, n := range nodes {
			wait, ends := l.event(n)
			if wait != nil && (first == nil || wait.Pos() < first.Pos()) {
				first = wait
			}
			if ends || wait != nil {
				return
			}
		}
		for _, next := range l.next(b) {
			if !seen[next] {
				seen[next] = true
				walk(next, next.Nodes)
			}
		}
	}
	for _, b := range graph.Blocks {
		for i, n := range b.Nodes {
			if n == l.at && b.Live {
				walk(b, b.Nodes[i+1:])
			}
		}
	}
	return first
}

// event returns the call in n that may wait, and reports whether n unlocks or locks the mutex. A deferred
// call does neither where it is deferred, and nor does one on another goroutine.
func (l *lock) event(n ast.Node) (wait *ast.CallExpr, ends bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.DeferStmt, *ast.GoStmt:
			return false
		case *ast.CallExpr:
			switch {
			case l.isUnlock(n):
				ends = true
			case l.fn.pkg.mayWait(n):
				wait = n
			}
		}
		return wait == nil && !ends
	})
	return wait, ends || n == l.at
}

// next returns the blocks that can follow b, if what is known where the mutex is locked is so there, too.
func (l *lock) next(b *cfg.Block) []*cfg.Block {
	if len(b.Succs) != 2 || len(b.Nodes) == 0 {
		return b.Succs
	}
	cond, ok := b.Nodes[len(b.Nodes)-1].(ast.Expr)
	if !ok {
		return b.Succs
	}
	switch is, known := l.value(cond); {
	case !known:
		return b.Succs
	case is:
		return b.Succs[:1]
	default:
		return b.Succs[1:]
	}
}

// value returns the value of a condition, if that follows from what is known.
func (l *lock) value(cond ast.Expr) (is, known bool) {
	switch x := ast.Unparen(cond).(type) {
	case *ast.UnaryExpr:
		if x.Op == token.NOT {
			is, known = l.value(x.X)
			return !is, known
		}
	case *ast.BinaryExpr:
		if x.Op != token.LAND && x.Op != token.LOR {
			break
		}
		decides := x.Op == token.LOR
		a, knowsA := l.value(x.X)
		b, knowsB := l.value(x.Y)
		if knowsA && a == decides || knowsB && b == decides {
			return decides, true
		}
		return !decides, knowsA && knowsB
	}
	is, known = l.where[types.ExprString(ast.Unparen(cond))]
	return is, known
}
