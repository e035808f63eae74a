package generated

import (
	"iter"
	"runtime"
)

// Pulled0, Pulled1 and Pulled2 go through what a function yields while the function that does so may
// wait: it runs on a goroutine of its own, by iter.Pull, in turns with the caller. A loop that is left
// calls Stop. If the function that waits panics or is ended, the iterator is stopped when the garbage
// collector finds it.
type (
	Pulled0        struct{ p *Pulled1[struct{}] }
	Pulled1[V any] struct {
		next func() (V, bool)
		stop func()
	}
	Pulled2[K, V any] struct {
		next func() (K, V, bool)
		stop func()
	}
)

// Pull0 begins a range over a function that yields no values.
func Pull0(seq func(func() bool)) *Pulled0 {
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
func Pull1[F ~func(func(V) bool), V any](seq F) *Pulled1[V] {
	next, stop := iter.Pull(iter.Seq[V](seq))
	p := &Pulled1[V]{next, stop}
	runtime.AddCleanup(p, func(stop func()) { stop() }, stop)
	return p
}

// Next returns the next value, and whether there is one.
func (p *Pulled1[V]) Next() (V, bool) { return p.next() }

// Stop ends the function.
func (p *Pulled1[V]) Stop() { p.stop() }

// Pull2 begins a range over a function that yields pairs.
func Pull2[F ~func(func(K, V) bool), K, V any](seq F) *Pulled2[K, V] {
	next, stop := iter.Pull2(iter.Seq2[K, V](seq))
	p := &Pulled2[K, V]{next, stop}
	runtime.AddCleanup(p, func(stop func()) { stop() }, stop)
	return p
}

// Next returns the next pair, and whether there is one.
func (p *Pulled2[K, V]) Next() (K, V, bool) { return p.next() }

// Stop ends the function.
func (p *Pulled2[K, V]) Stop() { p.stop() }
