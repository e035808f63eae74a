package generated

import (
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// iterator is a Pulled0, Pulled1 or Pulled2.
type iterator interface {
	active() *pulling // nil if the function has returned, or the loop has not begun
	resume()          // lets the function go on
}

func (p *Pulled0) active() *pulling {
	if p == nil {
		return nil
	}
	return p.p.active()
}

func (p *Pulled1[V]) active() *pulling {
	if p == nil || p.over {
		return nil
	}
	return &p.pulling
}

func (p *Pulled2[K, V]) active() *pulling {
	if p == nil || p.over {
		return nil
	}
	return &p.pulling
}

func (p *Pulled0) resume()       { p.p.Next() }
func (p *Pulled1[V]) resume()    { p.Next() }
func (p *Pulled2[K, V]) resume() { p.Next() }

// Pulling reports whether a range goes on. A start form that has such ranges defers
//
//	if generated.Pulling(inner, outer) {
//		generated.Unwind(t, recover(), inner, outer)
//	}
//
// and so does a step form, if it has not returned a Step.
func Pulling(ranges ...iterator) bool {
	for _, r := range ranges {
		if r.active() != nil {
			return true
		}
	}
	return false
}

// Unwind is called when the function leaves while ranges go on: it suspends, it panics with v, or it
// ends by Goexit. A panic and a Goexit pass through the functions that the ranges are over, from the
// inside, and run their deferred calls, as in Go, where these functions call the loops' bodies.
func Unwind(t *task.T, v any, ranges ...iterator) {
	if v == nil && Suspended(t) {
		return
	}
	s := suspension(t)
	origin := s.AfterPanic(v)
	if v == nil {
		exit(ranges)
		return
	}
	for _, r := range ranges {
		if p := r.active(); p != nil {
			if now := raiseIn(r, p, v); !coro.SamePanic(now, v) {
				v, origin = now, nil
			}
		}
	}
	if origin == nil {
		origin = coro.NewPanic(v)
	}
	s.Reraise(origin)
	panic(v)
}

// raiseIn lets a range's function go on with a panic, and returns the one that comes out of it.
func raiseIn(r iterator, p *pulling, v any) (now any) {
	defer func() { now = recover() }()
	p.outcome, p.panics = panicked, v
	r.resume()
	for range func(yield func() bool) { recovered(yield) } {
		panic(v) // it has recovered: Go has a panic of its own for that, raised here
	}
	return nil
}

// exit calls Goexit in the functions of the ranges, each of which ends this goroutine too.
func exit(ranges []iterator) {
	for i, r := range ranges {
		if p := r.active(); p != nil {
			defer exit(ranges[i+1:])
			p.outcome = exited
			r.resume()
			return
		}
	}
}
