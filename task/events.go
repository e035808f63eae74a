package task

import "github.com/framearena/framearena/coro"

// Event is something that happens and that functions wait for. When it is set, all that wait go on;
// later ones do not wait until it is reset. The zero Event is not set. It must not be copied.
type Event struct{ e coro.Event }

// Wait waits until the event is set. If it returns an error, the context of t has ended.
func (e *Event) Wait(t *T) error {
	if e.e.IsSet() {
		return goOn(t)
	}
	return waitFor(t, (*eventWaiting)(e))
}

type eventWaiting Event

func (e *eventWaiting) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return e.e.Wait(f, at)
}

// Set sets the event, and wakes those that wait. Any goroutine may call it.
func (e *Event) Set() { e.e.Set() }

// Reset makes the event one that has not happened. Any goroutine may call it.
func (e *Event) Reset() { e.e.Reset() }

// IsSet reports whether the event is set. Any goroutine may call it.
func (e *Event) IsSet() bool { return e.e.IsSet() }

// WaitGroup counts what is still to be done; functions wait until the count is zero. The zero
// WaitGroup has the count zero. It must not be copied. For functions that run beside the one that
// waits, use a [Group].
type WaitGroup struct{ g coro.WaitGroup }

// Add adds n, which may be negative, to the count. It panics if the count would be negative. Any
// goroutine may call it.
func (g *WaitGroup) Add(n int) { g.g.Add(n) }

// Done takes one from the count. Any goroutine may call it.
func (g *WaitGroup) Done() { g.g.Done() }

// Wait waits until the count is zero. If it returns an error, the context of t has ended.
func (g *WaitGroup) Wait(t *T) error {
	if g.g.IsZero() {
		return goOn(t)
	}
	return waitFor(t, (*groupWaiting)(g))
}

type groupWaiting WaitGroup

func (g *groupWaiting) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return g.g.Wait(f, at)
}

// Waker wakes one function that waits in [Suspend], once. It is a small value, which may be copied
// and kept without limit. Its Wake may be called from any goroutine.
type Waker = coro.Waker

// Suspend calls begin with a Waker, and waits until that is woken. begin gives it to what is to wake
// the caller: a callback, another goroutine. It is called once, before the wait, and must not wait
// itself; the Waker may be woken in begin. If Suspend returns an error, the context of t has ended,
// and the Waker does nothing any more, as after the wait.
func Suspend(t *T, begin func(Waker)) error {
	w := coro.NewWaker()
	begin(w)
	return waitFor(t, w.Stage(&t.s))
}
