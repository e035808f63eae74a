package forms

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"

	"github.com/framearena/framearena/task"
)

// Functions whose deferred calls cannot wait: their start forms have Go's defer statements.

// nativeNamed has named results that deferred literals change, and recovers.
func nativeNamed(t *task.T, p *plan, n int) (r string, err error) {
	defer func() {
		p.logf("last: %q %v", r, err)
		r += " last"
	}()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("recovered %v", v)
			r += " recovered"
		}
	}()
	r = "begun"
	if err = stop(t, p, "first"); err != nil {
		return r + " failed", err
	}
	r = "working"
	if err := stop(t, p, "second"); err != nil {
		return "failed", err
	}
	if n == 1 {
		panic("n is 1")
	}
	return fmt.Sprint("returned ", n), nil
}

// nativeUnnamed has results without names, one of them of a local variable that a deferred literal
// changes too late.
func nativeUnnamed(t *task.T, p *plan, n int) (string, error) {
	k := n
	defer func() {
		k++
		p.logf("k %d", k)
	}()
	k += 10
	err := stop(t, p, "work")
	k += 100
	stop(t, p, "more")
	k++
	return fmt.Sprint(k), err
}

// nativeConditional has deferred calls that not each way reaches, and leaves from between them.
func nativeConditional(t *task.T, p *plan, n int) (r string, err error) {
	if n > 0 {
		f := &file{p, fmt.Sprint("f", n)}
		defer f.note("first")
		if err := stop(t, p, "in if"); err != nil {
			return "early", err
		}
		if g := (file{p, "g"}); n > 1 {
			defer func() {
				p.logf("closes %s and %s", g.name, f.name)
			}()
			stop(t, p, "nested")
			g.name, f = "changed", &file{p, "other"}
			stop(t, p, "nested again")
		}
	}
	switch k := n * 2; k {
	case 4:
		defer p.logf("four %v", k)
		stop(t, p, "four")
		fallthrough
	case 6:
		defer func() { p.logf("six %d %v", k, err) }()
		k++
		stop(t, p, "six")
		k++
	default:
		defer p.logf("other")
	}
	a, b := n, 1
	if n == 3 {
		a, c := b, a
		a++
		defer func() { a++; p.logf("%d %d %d", a, b, c) }()
		a++
		b, err = 7, stop(t, p, "three")
	}
	stop(t, p, "end")
	return fmt.Sprint(a, b), err
}

// nativeOperands has operands that are evaluated at the defer statement.
func nativeOperands(t *task.T, p *plan, n int) (r string, err error) {
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
	var big [40]int
	big[n] = 1
	defer p.logf("%v %v", s, n)
	defer f.note(s)
	defer f.note(nil)
	defer f.note(null)
	defer g.lateNote()
	defer g.lateNote(s, "b")
	defer g.lateNote([]string{s, "c"}...)
	defer (*file).lateNote(g, s)
	defer file.note(f, s)
	defer fn(n)
	defer method(s)
	defer mu.Unlock()
	defer delete(m, n)
	defer func(v string, more ...int) { p.logf("literal %s %v %s %d %d", v, more, s, len(m), big[n]) }(s, n, 2)
	defer func(t int) { p.logf("other t %d", t) }(n)
	defer func() int { p.logf("with a result"); return 1 }()
	defer p.notePair(deferPair(p))
	defer notePair(deferPair(p))
	defer p.logf("%v", must2(t, p, n))
	defer func(big [40]int) { p.logf("big %d", big[n]) }(big)
	defer close(ch)
	s = "new"
	f.name = "changed"
	g = &file{p, "other"}
	fn = nil
	n++
	err = stop(t, p, "work")
	return s, err
}

// nativeRecover recovers in all ways.
func nativeRecover(t *task.T, p *plan, n int) (r string, err error) {
	defer func() { r += fmt.Sprint(" last ", recover()) }()
	if n == 1 {
		defer recovering(p, "function")
	}
	if n == 2 {
		defer file{p, "f"}.recovering("method")
	}
	if n == 3 {
		fn := (&file{p, "f"}).recovering
		defer fn("method value")
	}
	if n == 4 {
		defer raising(p, "five")
	}
	defer recover()
	defer func() { p.logf("nested recovers %v", func() any { return recover() }()) }()
	if n == 4 {
		defer func() {
			v := recover()
			p.logf("repeats %v", v)
			panic(v)
		}()
	}
	r = "begun"
	if err := stop(t, p, "before"); err != nil {
		return "failed", err
	}
	stop(t, p, "again")
	if n > 0 {
		panic(fmt.Sprint("panic ", n))
	}
	return "returned", nil
}

// nativeGoexit ends in the middle, and a deferred call panics and another recovers meanwhile.
func nativeGoexit(t *task.T, p *plan, n int) (r string, err error) {
	defer p.logf("first")
	defer func() { p.logf("recovers %v", recover()) }()
	defer func() {
		if n == 2 {
			panic("in Goexit")
		}
	}()
	stop(t, p, "work")
	if n > 0 {
		runtime.Goexit()
	}
	return "end", nil
}

// nativeNil defers methods of nil: of an interface, that panics at the statement, and a call of a nil
// function panics when it is made.
func nativeNil(t *task.T, p *plan, n int) (r string, err error) {
	defer func() {
		v := recover()
		_, isError := v.(runtime.Error)
		r = fmt.Sprint(r, isError)
	}()
	var c io.Closer
	var f *file
	var fn func()
	r = "statement "
	switch n {
	case 0:
		defer c.Close()
	case 1:
		defer f.note("of nil")
	case 2:
		defer f.noteNothing()
	case 3:
		defer fn()
	}
	r = "after "
	err = stop(t, p, "work")
	return r, err
}

func (f *file) noteNothing() {}

// nativeShared has variables that literals of both kinds share.
func nativeShared(t *task.T, p *plan, n int) (r string, err error) {
	shared, own, address := 1, 1, 1
	more := func() { shared++ }
	to := &address
	defer func() {
		more()
		own++
		*to++
		p.logf("%d %d %d", shared, own, address)
		inner := func() { own++ }
		inner()
		r = fmt.Sprint(r, shared, own, address)
	}()
	for i := range n {
		more()
		own += i
		if err := stop(t, p, fmt.Sprint(shared, own, address)); err != nil {
			return "failed ", err
		}
		*to += 10
	}
	return "end ", stop(t, p, "end")
}

// nativeLiteral has task literals with deferred calls.
func nativeLiteral(t *task.T, p *plan, n int) (r string, err error) {
	k, calls := n, 0
	call := func(t *task.T, m int) (s string) {
		defer func() {
			s += fmt.Sprint(recover(), k)
			k++
		}()
		calls++
		if m > 0 {
			defer p.logf("m %d k %d", m, k)
		}
		stop(t, p, "literal")
		if m == 1 {
			panic("literal")
		}
		return "returned "
	}
	defer func() { p.logf("%d calls, k %d, %s", calls, k, r) }()
	a := call(t, n)
	b := call(t, 1)
	r = a + b
	return r + call(t, 0), nil
}

// nativeRecursive has many frames with deferred calls.
func nativeRecursive(t *task.T, p *plan, n int) (r string, err error) {
	defer func() {
		if v := recover(); v != nil {
			r = fmt.Sprint(r, v)
			if n%2 == 0 {
				panic(fmt.Sprint("again", n))
			}
		}
	}()
	defer p.logf("deferred %d", n)
	if n == 0 {
		stop(t, p, "bottom")
		panic("bottom")
	}
	r, err = nativeRecursive(t, p, n-1)
	return r + fmt.Sprint(n), err
}

// nativeFallback has deferred calls that need a frame from the beginning: their literals use what only
// a part of the function declares.
func nativeFallback(t *task.T, p *plan, n int) (r string, err error) {
	const prefix = "constant "
	defer func() { p.logf("%s%d", prefix, n) }()
	var v any = n
	if n > 1 {
		v = errEven
	}
	switch v := v.(type) {
	case int:
		defer func() { v++; p.logf("int %d", v) }()
		v += 2
		stop(t, p, "int")
	case error:
		defer func() { p.logf("error %v", v) }()
		stop(t, p, "error")
	}
	return "end", stop(t, p, "end")
}

func nativeGeneric(t *task.T, p *plan, n int) (string, error) {
	k, err := nativeOf(t, p, n, n)
	s, err2 := nativeOf(t, p, "text", n)
	c := &closer{p: p}
	closed, err3 := nativeClose(t, p, c)
	return fmt.Sprint(k, s, closed), errors.Join(err, err2, err3)
}

// nativeOf is generic.
func nativeOf[V any](t *task.T, p *plan, v V, n int) (r V, err error) {
	defer p.logf("v %v", v)
	defer func() {
		if recover() != nil {
			r = v
		}
	}()
	defer noteOf(p, v)
	if n == 2 {
		w := v
		defer func(v V) { p.logf("two %v %v", v, w) }(v)
		stop(t, p, "two")
		w = r
	}
	err = stop(t, p, "generic")
	if n == 3 {
		panic("three")
	}
	return v, err
}

func noteOf[V any](p *plan, v V) { p.logf("of %v", v) }

type closer struct {
	p      *plan
	closed int
}

func (c *closer) Close() error {
	c.closed++
	c.p.logf("closed")
	return nil
}

// nativeClose defers a method of a type parameter.
func nativeClose[C io.Closer](t *task.T, p *plan, c C) (closed C, err error) {
	defer c.Close()
	err = stop(t, p, "to be closed")
	return c, err
}

func (c *closer) String() string { return fmt.Sprint("closed ", c.closed) }

// nativeBelow calls functions with deferred calls from one that has some.
func nativeBelow(t *task.T, p *plan, n int) (r string, err error) {
	defer p.logf("below")
	defer func() {
		if v := recover(); v != nil {
			p.logf("below recovers %v", v)
			r, err = "recovered", errEven
		}
	}()
	r, err = nativeRecursive(t, p, n)
	s, err2 := deferNested(t, p, n)
	return r + s, errors.Join(err, err2)
}

// nativeNone has neither results nor parameters of its own that are deferred on.
func nativeNone(t *task.T, p *plan, n int) (string, error) {
	nativeNothing(t, p, n)
	err := nativeError(t, p, n)
	k, s := nativeTwo(t, p, n)
	return fmt.Sprint(k, s), err
}

func nativeNothing(t *task.T, p *plan, n int) {
	defer p.logf("nothing")
	if n == 2 {
		return
	}
	stop(t, p, "not 2")
}

func nativeError(t *task.T, p *plan, n int) error {
	defer p.logf("error")
	if n == 3 {
		return errors.New("three")
	}
	return stop(t, p, "not 3")
}

func nativeTwo(t *task.T, p *plan, n int) (k int, _ string) {
	defer func() { k *= 2 }()
	k = 4
	stop(t, p, "two")
	if n == 0 {
		return
	}
	return taskTwo(t, p, n)
}

// guarded has a lock, a deferred literal that changes its results, and one that recovers.
func guarded(t *task.T, mu *sync.Mutex, n int) (k int, err error) {
	mu.Lock()
	defer mu.Unlock()
	defer func() {
		if v := recover(); v != nil {
			k = -1
		}
	}()
	if n > 1 {
		m := n
		defer func() {
			if m++; err == nil {
				k += m
			}
		}()
	}
	if err := waitIf(t, n < 0); err != nil { //framearena:ignore nobody else has the mutex
		return 0, err
	}
	if n == 0 {
		panic(errEven)
	}
	k, err = n, waitIf(t, n < 0)
	return k, err
}

func waitIf(t *task.T, waits bool) error {
	if waits {
		return t.Yield()
	}
	return nil
}

// guardedOften calls guarded again and again.
func guardedOften(t *task.T, mu *sync.Mutex, n int) (sum int, err error) {
	for i := range 1000 {
		k, err := guarded(t, mu, n+i%2)
		if err != nil {
			return sum, err
		}
		sum += k
	}
	return sum, nil
}

// nativeExhausted calls itself, and waits at the bottom.
func nativeExhausted(t *task.T, p *plan, n int) (string, error) {
	defer func() { p.logf("end %d", n) }()
	if n == 0 {
		return "bottom", stop(t, p, "bottom")
	}
	return nativeExhausted(t, p, n-1)
}
