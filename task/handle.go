package task

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// Handle is a function that [Start] has launched: it can be waited for and cancelled. It is a value,
// and all its copies are of the same call. Any goroutine may use it. R is the type of the result. The
// methods of the zero Handle panic.
type Handle[R any] struct{ h *coro.Handle[R] }

// Wait waits until the function has returned, and returns its result and error. The result of a
// function that has failed is the zero R. If the context of t ends before that, Wait returns the
// cause, and the function goes on. Any number of functions may wait for one Handle.
func (h Handle[R]) Wait(t *T) (R, error) {
	if !t.s.MustGiveWay() {
		if r, err := h.h.Result(); err != coro.ErrRunning {
			return r, err
		}
	}
	return wait[R](t, (*awaitingHandle[R])(h.h))
}

type awaitingHandle[R any] coro.Handle[R]

func (h *awaitingHandle[R]) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return (*coro.Handle[R])(h).Await(f, at, (*R)(s.Result()))
}

// WaitContext is [Handle.Wait] for goroutines that run no task function. If ctx ends first, it
// returns ctx's cause.
func (h Handle[R]) WaitContext(ctx context.Context) (R, error) { return h.h.Wait(ctx) }

// Cancel ends the context of the function, with the given cause or, if that is nil, with
// [context.Canceled]. It does not wait, and does nothing if the function has returned.
func (h Handle[R]) Cancel(cause error) { h.h.Cancel(cause) }

// Done returns a channel that is closed when the function has returned.
func (h Handle[R]) Done() <-chan struct{} { return h.h.Done() }
