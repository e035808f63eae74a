package task

import (
	"github.com/framearena/framearena/coro"
)

// Block calls fn on a goroutine, and waits until it has returned. It is for functions that block, such
// as reading a file, and for those that take long: a task that does either itself keeps its worker
// from others. A panic of fn is an error, a [*coro.PanicError].
//
// If the context of t ends before fn has returned, Block returns the cause at once. fn runs to its
// end, and what it returns is dropped. So fn must not change what the caller uses afterwards. If the
// context has ended before, fn is not called.
func Block[R any](t *T, fn func() (R, error)) (R, error) {
	if fn == nil {
		panic("task: Block needs a function")
	}
	t.s.Argument = fn
	return wait[R](t, blocking[R]{})
}

type blocking[R any] struct{}

func (blocking[R]) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	fn := s.Argument.(func() (R, error))
	s.Argument = nil
	return coro.Blocking(f, at, fn, (*R)(s.Result()))
}

// RecvFrom receives a value from a Go channel. If the channel is closed and empty, the error is
// [ErrChanClosed]. With any other error, no value was received: the context of t has ended. If the
// channel has no value, a goroutine waits for one: functions that wait often should use a [Chan].
func RecvFrom[E any](t *T, c <-chan E) (E, error) {
	if !t.s.MustGiveWay() {
		select {
		case v, ok := <-c:
			if !ok {
				return v, ErrChanClosed
			}
			return v, nil
		default:
		}
	}
	t.s.Argument = c
	return wait[E](t, receivingFrom[E]{})
}

type receivingFrom[E any] struct{}

func (receivingFrom[E]) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	c := s.Argument.(<-chan E)
	s.Argument = nil
	return coro.RecvFrom(f, at, c, (*E)(s.Result()))
}

// SendTo sends v to a Go channel. If it returns an error, v was not sent: the context of t has ended
// or, with a [*coro.PanicError], the channel was closed while the caller waited. It panics if the
// channel is closed already. If the channel takes no value, a goroutine waits until it does.
func SendTo[E any](t *T, c chan<- E, v E) error {
	select {
	case c <- v:
		return goOn(t)
	default:
	}
	return waitFor(t, &sendingTo[E]{c, v})
}

type sendingTo[E any] struct {
	c chan<- E
	v E
}

func (s *sendingTo[E]) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return coro.SendTo(f, at, s.c, s.v)
}
