package workloads

import "github.com/framearena/framearena/coro"

// Selects receives n times from the one of two channels that has a value, and puts that into the
// other, with 1 added. The result is the sum of what was received. It measures a select that need not
// wait.
func Selects(ex coro.Executor, n int) (int, error) {
	a, b := coro.NewChan[int](1), coro.NewChan[int](1)
	a.TrySend(1)
	return run(ex, selecting.With(selection{left: n}, selected{a, b}))
}

type selection struct{ left, chosen, v, sum int }

type selected struct{ a, b *coro.Chan[int] }

var selecting = coro.DefineHeld("selecting", func(f *coro.Frame[selection, int], c *selected) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 1 {
		s.sum += s.v
		if s.chosen == 0 {
			c.b.TrySend(s.v + 1)
		} else {
			c.a.TrySend(s.v + 1)
		}
	}
	if s.left == 0 {
		return f.Return(s.sum)
	}
	s.left--
	return coro.Select(f, 1, &s.chosen, c.a.RecvCase(&s.v), c.b.RecvCase(&s.v))
})
