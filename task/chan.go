package task

import (
	"iter"

	"github.com/framearena/framearena/coro"
)

// Chan is a channel between task functions, on whatever executors they run. Values, senders and
// receivers each keep their order: first come, first served. The methods without a T may be called
// from any goroutine. A Chan is made by [NewChan], and must not be copied.
type Chan[E any] coro.Chan[E]

// NewChan returns a channel that holds up to capacity values. With capacity 0, a sender waits for a
// receiver.
func NewChan[E any](capacity int) *Chan[E] { return (*Chan[E])(coro.NewChan[E](capacity)) }

func (c *Chan[E]) channel() *coro.Chan[E] { return (*coro.Chan[E])(c) }

// Send sends v, and waits until there is room for it or a receiver takes it. If it returns an error, v
// was not sent: the context of t has ended or, with [ErrChanClosed], the channel was closed while the
// caller waited. It panics if the channel is closed already.
func (c *Chan[E]) Send(t *T, v E) error {
	if c.channel().SendNow(&t.s, v) {
		return goOn(t)
	}
	return waitFor(t, c.channel().StageSend(&t.s, v))
}

// Recv waits for a value, and returns it. If it returns an error, there is no value: the context of t
// has ended or, with [ErrChanClosed], the channel is closed and has no values left.
func (c *Chan[E]) Recv(t *T) (E, error) {
	if !t.s.MustGiveWay() {
		if v, ok := c.channel().RecvNow(&t.s); ok {
			return v, nil
		}
	}
	return wait[E](t, (*receiving[E])(c))
}

type receiving[E any] coro.Chan[E]

func (c *receiving[E]) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return (*coro.Chan[E])(c).Recv(f, at, (*E)(s.Result()))
}

// TrySend sends v if that is possible without waiting, and reports whether it was. It panics if the
// channel is closed.
func (c *Chan[E]) TrySend(v E) bool { return c.channel().TrySend(v) }

// TryRecv receives a value if that is possible without waiting, and reports whether it was.
func (c *Chan[E]) TryRecv() (v E, ok bool) { return c.channel().TryRecv() }

// Close closes the channel: it takes no more values. Those that it holds can still be received. It
// panics if the channel is closed already.
func (c *Chan[E]) Close() { c.channel().Close() }

// Len returns the number of values in the channel. Values of waiting senders do not count.
func (c *Chan[E]) Len() int { return c.channel().Len() }

// Cap returns the number of values that the channel can hold.
func (c *Chan[E]) Cap() int { return c.channel().Cap() }

// All returns an iterator that receives values until the channel is closed and has no values left, or
// the context of t has ended: t.Err says which. It is for a range loop in the function of t.
//
//	for job := range jobs.All(t) {
func (c *Chan[E]) All(t *T) iter.Seq[E] {
	return func(yield func(E) bool) {
		for {
			v, err := c.Recv(t)
			if t.s.Suspended() {
				panic("task: a loop over Chan.All that framearena gen has not compiled, in a task: write the loop in the task function itself")
			}
			if err != nil || !yield(v) {
				return
			}
		}
	}
}
