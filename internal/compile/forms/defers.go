package forms

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/framearena/framearena/task"
)

// plan is a script that also acts: each call of stop has a number, and may panic, call Goexit, or
// return an error there.
type plan struct {
	stops    int
	suspends func(stop int) bool
	wait     func(t *task.T) error
	act      func(stop int) error
	log      []string
}

func (p *plan) logf(format string, args ...any) { p.log = append(p.log, fmt.Sprintf(format, args...)) }

// stop is a call that may suspend.
func stop(t *task.T, p *plan, note string) error {
	p.stops++
	n := p.stops
	p.logf("%d: %s", n, note)
	if p.suspends(n) {
		if err := p.wait(t); err != nil {
			p.logf("%d: %v", n, err)
			return err
		}
	}
	return p.act(n)
}

// file is something to close.
type file struct {
	p    *plan
	name string
}

func (f *file) close(t *task.T) error {
	err := stop(t, f.p, "close "+f.name)
	f.p.logf("closed %s: %v", f.name, err)
	return err
}

func (f file) note(v any)                      { f.p.logf("%s: %v", f.name, v) }
func (f *file) lateNote(notes ...string)       { f.p.logf("%s: %v", f.name, notes) }
func (f file) rename(t *task.T, s ...string)   { stop(t, f.p, fmt.Sprint(f.name, s)) }
func recovering(p *plan, where string)         { p.logf("%s recovers %v", where, recover()) }
func (f file) recovering(where string)         { f.p.logf("%s of %s recovers %v", where, f.name, recover()) }
func raising(p *plan, v any)                   { p.logf("raises %v", v); panic(v) }
func deferPair(p *plan) (string, error)        { p.logf("pair"); return "left", errEven }
func notePair(s string, err error)             {}
func (p *plan) notePair(s string, err error)   { p.logf("noted %v %v", s, err) }
func taskPair(t *task.T, p *plan) (int, error) { return 3, stop(t, p, "task pair") }

// deferClose closes what it has opened: the value that is returned stays as it was.
func deferClose(t *task.T, p *plan, n int) (string, error) {
	f := &file{p, "f"}
	defer f.close(t)
	p.logf("opened")
	err := stop(t, p, "work")
	return fmt.Sprint("result ", p.stops), err
}

// deferBreak leaves a loop with two suspensions.
func deferBreak(t *task.T, p *plan, n int) (string, error) {
	defer p.logf("deferred once")
	for i := 0; ; i++ {
		if err := stop(t, p, "first"); err != nil {
			return "", err
		}
		if i == n {
			break
		}
		stop(t, p, "second")
	}
	stop(t, p, "after")
	return "end", nil
}

// deferInLoop returns from within a loop.
func deferInLoop(t *task.T, p *plan, n int) (string, error) {
	for i := 0; i < 4; i++ {
		f := &file{p, fmt.Sprint("f", i)}
		defer f.close(t)
		defer func() { p.logf("literal %d %s", i, f.name) }()
		defer func() {
			stop(t, p, fmt.Sprint("suspending literal ", i, f.name))
			i += 10
			p.logf("now %d", i)
		}()
		if err := stop(t, p, "body"); err != nil {
			return fmt.Sprint("error in ", i), err
		}
		if i == n {
			return fmt.Sprint("left at ", i), nil
		}
	}
	return "all", nil
}

// deferNamed changes its named results.
func deferNamed(t *task.T, p *plan, n int) (k int, err error) {
	defer func() {
		p.logf("k %d err %v", k, err)
		k *= 2
		if err == nil {
			err = stop(t, p, "in the deferred literal")
		}
		k++
	}()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("recovered %v", v)
		}
	}()
	k = n
	if err = stop(t, p, "work"); err != nil {
		return k + 100, err
	}
	k, err = taskPair(t, p)
	if n == 2 {
		panic("n is 2")
	}
	return k + 1, err
}

func deferNamedText(t *task.T, p *plan, n int) (string, error) {
	k, err := deferNamed(t, p, n)
	return fmt.Sprint(k), err
}

// deferOperands has operands that are evaluated at the defer statement.
func deferOperands(t *task.T, p *plan, n int) (r string, err error) {
	s := "old"
	f := file{p, "value"}
	g := &file{p, "pointer"}
	fn := func(v int) { p.logf("fn %d", v) }
	method := f.note
	var null any
	ch := make(chan int, 1)
	m := map[int]int{1: 1, n: 2}
	var mu sync.Mutex
	mu.Lock()
	defer p.logf("%v %v", s, n)
	defer f.note(s)
	defer f.note(nil)
	defer f.note(null)
	defer g.lateNote()
	defer g.lateNote(s, "b")
	defer g.lateNote([]string{s, "c"}...)
	defer f.rename(t, s, "x")
	defer f.rename(t)
	defer fn(n)
	defer method(s)
	defer mu.Unlock()
	defer delete(m, n)
	defer func(v string, more ...int) { p.logf("literal %s %v %s %d", v, more, s, len(m)) }(s, n, 2)
	defer func(v string, more ...int) {
		stop(t, p, fmt.Sprint("suspending ", v, more, s, n))
	}(s, []int{n, 3}...)
	defer p.notePair(deferPair(p))
	defer notePair(deferPair(p))
	defer p.logf("%v", must2(t, p, n))
	defer close(ch)
	s = "new"
	f.name = "changed"
	g = &file{p, "other"}
	fn = nil
	n++
	err = stop(t, p, "work")
	return s, err
}

func must2(t *task.T, p *plan, n int) int {
	_ = stop(t, p, "must")
	return n
}

// deferRecover recovers in all ways.
func deferRecover(t *task.T, p *plan, n int) (r string, err error) {
	defer func() { r += fmt.Sprint(" last ", recover()) }()
	defer func() {
		if v := recover(); v != nil {
			stop(t, p, fmt.Sprint("recovered ", v))
			r += fmt.Sprint(" suspending ", v)
			p.logf("again %v", recover())
		}
	}()
	if n == 1 {
		defer recovering(p, "function")
	}
	if n == 2 {
		defer file{p, "f"}.recovering("method")
	}
	if n == 3 {
		f := &file{p, "f"}
		defer f.close(t)
		fn := f.recovering
		defer fn("method value")
	}
	if n == 5 {
		defer raising(p, "five")
	}
	defer func() { p.logf("nested recovers %v", func() any { return recover() }()) }()
	r = "begun"
	if err := stop(t, p, "before"); err != nil {
		return "failed", err
	}
	if n < 5 {
		panic(fmt.Sprint("panic ", n))
	}
	return "returned", nil
}

// deferNested panics in deferred calls, and again.
func deferNested(t *task.T, p *plan, n int) (r string, err error) {
	defer func() {
		defer func() {
			if v := recover(); v != nil {
				p.logf("inner recovers %v", v)
			}
			stop(t, p, "inner")
		}()
		stop(t, p, "outer")
		if n == 0 {
			panic("in a suspending literal")
		}
		v := recover()
		p.logf("outer recovers %v", v)
		r = fmt.Sprint("recovered ", v)
		if n == 1 {
			panic(v)
		}
	}()
	defer func() {
		v := recover()
		p.logf("repeats %v", v)
		if v != nil {
			panic(v)
		}
	}()
	defer func() {
		stop(t, p, "no recover")
		if n == 2 {
			panic("another")
		}
	}()
	if err := stop(t, p, "work"); err != nil {
		panic(err)
	}
	r, err = deferCallee(t, p, n)
	panic(fmt.Errorf("at the end: %w", err))
}

// deferCallee is called by functions with deferred calls, and has some itself.
func deferCallee(t *task.T, p *plan, n int) (string, error) {
	defer stop(t, p, "callee ends")
	stop(t, p, "callee")
	if n == 1 {
		panic("callee")
	}
	return "callee's", errEven
}

// deferGoexit ends in the middle.
func deferGoexit(t *task.T, p *plan, n int) (r string, err error) {
	defer p.logf("first")
	defer func() { p.logf("recovers %v", recover()) }()
	defer func() {
		if n == 2 {
			panic("in Goexit")
		}
	}()
	defer stop(t, p, "deferred")
	stop(t, p, "work")
	if n > 0 {
		runtime.Goexit()
	}
	return "end", nil
}

// deferUnnamed has results without names, no error, several, or none.
func deferUnnamed(t *task.T, p *plan, n int) (string, error) {
	a := deferOne(t, p, n)
	b, c := deferTwo(t, p, n)
	deferNone(t, p, n)
	err := deferError(t, p, n)
	return fmt.Sprint(a, b, c, err), nil
}

func deferOne(t *task.T, p *plan, n int) int {
	defer func() { recover() }()
	defer stop(t, p, "one")
	if n == 1 {
		panic("one")
	}
	return n + must2(t, p, 1)
}

func deferTwo(t *task.T, p *plan, n int) (int, string) {
	defer stop(t, p, "two")
	return taskTwo(t, p, n)
}

func taskTwo(t *task.T, p *plan, n int) (int, string) {
	stop(t, p, "two results")
	return n, "two"
}

func deferNone(t *task.T, p *plan, n int) {
	defer stop(t, p, "none")
	if n == 2 {
		return
	}
	stop(t, p, "not 2")
}

func deferError(t *task.T, p *plan, n int) error {
	defer stop(t, p, "error")
	if n == 3 {
		return errors.New("three")
	}
	return stop(t, p, "not 3")
}

// deferLiteral has task literals with deferred calls, and deferred task literals.
func deferLiteral(t *task.T, p *plan, n int) (r string, err error) {
	k := n
	call := func(t *task.T, m int) (s string) {
		defer func(t *task.T) {
			stop(t, p, fmt.Sprint("in the literal ", k, m))
			s += fmt.Sprint(recover())
			k++
		}(t)
		stop(t, p, "literal")
		if m == 1 {
			panic("literal")
		}
		return "returned "
	}
	a := call(t, n)
	b := call(t, 1)
	defer call(t, 1)
	defer call(t, 4)
	return fmt.Sprint(a, b, k), nil
}

// deferRecursive has many frames with deferred calls.
func deferRecursive(t *task.T, p *plan, n int) (r string, err error) {
	defer func() {
		if v := recover(); v != nil {
			r = fmt.Sprint(r, v)
			if n%2 == 0 {
				panic(fmt.Sprint("again", n))
			}
		}
	}()
	defer stop(t, p, fmt.Sprint("deferred ", n))
	if n == 0 {
		stop(t, p, "bottom")
		panic("bottom")
	}
	r, err = deferRecursive(t, p, n-1)
	return r + fmt.Sprint(n), err
}

// deferBetween is a function without deferred calls between some that have.
func deferBetween(t *task.T, p *plan, n int) (string, error) {
	defer func() {
		stop(t, p, "between")
		p.logf("%v", recover())
	}()
	return throughBoth(t, p, n)
}

func throughBoth(t *task.T, p *plan, n int) (string, error) {
	r, err := deferNested(t, p, n)
	return r + "!", err
}
