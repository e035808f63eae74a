package generated

import (
	"iter"
	"runtime"
)

// Pulled0, Pulled1 and Pulled2 go through what a function yields while the function that does so may
// wait: it runs on a goroutine of its own, by iter.Pull, in turns with the caller. A loop that is left
// calls Stop. If the function that waits panics or is ended, Unwind is called. If neither is called, the
// iterator is stopped when the garbage collector finds it.
type (
	Pulled0        struct{ p *Pulled1[struct{}] }
	Pulled1[V any] struct {
		pulling
		next func() (V, bool)
		stop func()
	}
	Pulled2[K, V any] struct {
		pulling
		next func() (K, V, bool)
		stop func()
	}
)

// pulling is how far a range is, and how it goes on.
type pulling struct {
	*body
	over bool // the function has returned
}

// body is what the function's calls of yield learn of the loop's body. The Pulled has it, and so has
// the function, which must not keep the Pulled.
type body struct {
	outcome outcome
	panics  any  // what it has panicked with
	refused bool // the function has called yield when it must not
}

type outcome uint8

const (
	again    outcome = iota // wants more
	left                    // has left the loop
	panicked                // in a panic
	exited                  // in runtime.Goexit
	returned                // is of no more use: the function has returned
)

// yields returns what a call of yield returns, when the function that called it goes on. If the loop has
// ended otherwise than by being left, it does not return.
func (b *body) yields() bool {
	switch b.outcome {
	case panicked:
		panic(b.panics)
	case exited:
		runtime.Goexit()
	}
	return b.outcome == again
}

// check panics, as Go does, if the function calls yield when it must not.
func (b *body) check() {
	if b.outcome == again {
		return
	}
	before := b.outcome
	if b.refused {
		before = panicked
	}
	b.refused = true
	switch before {
	case left:
		for range func(yield func() bool) { yield(); yield() } {
			break
		}
	case returned:
		var kept func() bool
		for range func(yield func() bool) { kept = yield } {
		}
		kept()
	default:
		for range func(yield func() bool) { recovered(yield); yield() } {
			panic(before)
		}
	}
}

// end notes that the function has returned. It panics, as Go does, if that has recovered from a panic of check.
func (b *body) end() {
	if b.refused {
		for range func(yield func() bool) { recovered(yield) } {
			panic(b.outcome)
		}
	}
	b.outcome = returned
}

// recovered calls yield, and recovers from its panic.
func recovered(yield func() bool) {
	defer func() { recover() }()
	yield()
}

// Pull0 begins a range over a function that yields no values.
func Pull0[F ~func(Y), Y ~func() bool](seq F) *Pulled0 {
	return &Pulled0{Pull1(func(yield func(struct{}) bool) { seq(func() bool { return yield(struct{}{}) }) })}
}

// Next reports whether there is another iteration.
func (p *Pulled0) Next() bool {
	_, ok := p.p.Next()
	return ok
}

// Stop ends the function.
func (p *Pulled0) Stop() { p.p.Stop() }

// Pull1 begins a range over a function that yields values.
func Pull1[F ~func(Y), Y ~func(V) bool, V any](seq F) *Pulled1[V] {
	b := new(body)
	next, stop := iter.Pull(func(yield func(V) bool) {
		seq(func(v V) bool {
			b.check()
			yield(v)
			return b.yields()
		})
		b.end()
	})
	p := &Pulled1[V]{pulling{body: b}, next, stop}
	runtime.AddCleanup(p, func(stop func()) { b.outcome = left; stop() }, stop)
	return p
}

// Next returns the next value, and whether there is one.
func (p *Pulled1[V]) Next() (v V, ok bool) {
	p.over = true // also if it panics
	v, ok = p.next()
	p.over = !ok
	return v, ok
}

// Stop ends the function.
func (p *Pulled1[V]) Stop() {
	p.outcome, p.over = left, true
	p.stop()
}

// Pull2 begins a range over a function that yields pairs.
func Pull2[F ~func(Y), Y ~func(K, V) bool, K, V any](seq F) *Pulled2[K, V] {
	b := new(body)
	next, stop := iter.Pull2(func(yield func(K, V) bool) {
		seq(func(k K, v V) bool {
			b.check()
			yield(k, v)
			return b.yields()
		})
		b.end()
	})
	p := &Pulled2[K, V]{pulling{body: b}, next, stop}
	runtime.AddCleanup(p, func(stop func()) { b.outcome = left; stop() }, stop)
	return p
}

// Next returns the next pair, and whether there is one.
func (p *Pulled2[K, V]) Next() (k K, v V, ok bool) {
	p.over = true
	k, v, ok = p.next()
	p.over = !ok
	return k, v, ok
}

// Stop ends the function.
func (p *Pulled2[K, V]) Stop() {
	p.outcome, p.over = left, true
	p.stop()
}
