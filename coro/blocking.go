package coro

import "context"

var blockingKinds = offloadKinds{name: "coro.Blocking"}

// Blocking calls fn on another goroutine, waits until it has returned, and resumes f's task at
// the resume point at. It is for functions that block, such as reading a file, and for those
// that take long: in a step, either would keep the worker from other tasks.
//
// It is like [Await] with a child that does what fn does: the result goes to *result,
// which must lie in f's state or held part, or nowhere if result is nil; f.Err gives
// the error. If fn panics or calls [runtime.Goexit], that is a [*PanicError].
//
// If the tree's context ends before fn has returned, the task continues at once, and f.Err
// gives the cause. fn then runs to its end, and its result or error is dropped. A panic goes to the
// handler of the executor, on fn's goroutine, as a [*PanicError]. The same happens when the executor
// is closed. Therefore fn must not use f, nor f's state or held
// part: these may be gone. Give it copies of what it needs, and a way to stop, such as
// f.Context(). If the context has ended before, fn is not called.
//
// Goroutines are reused, and end when they have had nothing to do for some seconds. There are
// as many as functions that run at the same time: to limit that, use a [Semaphore]. If fn is
// not a new closure, nothing is allocated on the Go heap in the steady state.
func Blocking[T any](f AnyFrame, at int, fn func() (T, error), result *T) Step {
	if fn == nil {
		panic("coro: task " + quote(f.anyFrame().kind.get().name) + ": Blocking needs a function")
	}
	k := offloadKindOf[T](&blockingKinds)
	return awaitHeld(f.anyFrame(), at, k.HeldKind, struct{}{}, offloadHeld[T]{offloadRequest: offloadRequest[T]{fn: fn}}, result)
}

var (
	recvFromKinds = offloadKinds{name: "coro.RecvFrom"}
	sendToKinds   = offloadKinds{name: "coro.SendTo"}
)

// RecvFrom receives a value from a Go channel and resumes f's task at the resume point at.
// The value goes to *result, which must lie in f's state or held part, or nowhere if
// result is nil. If the channel is closed and empty, f.Err is [ErrChanClosed].
//
// If the tree's context ends, the task continues, and f.Err gives the cause; then no value was
// received. If a value was received before that, the task gets it, and f.Err is nil: no value
// is lost. Only closing the executor may lose one, if it comes at the same moment.
//
// If the Go channel has a value, RecvFrom costs as much as a child. Otherwise a goroutine waits
// for one. Tasks that wait often should use a [Chan], to which goroutines can send with
// [Chan.TrySend].
func RecvFrom[T any](f AnyFrame, at int, ch <-chan T, result *T) Step {
	k := offloadKindOf[T](&recvFromKinds)
	return awaitHeld(f.anyFrame(), at, k.HeldKind, struct{}{}, offloadHeld[T]{offloadRequest: offloadRequest[T]{from: ch}}, result)
}

// SendTo sends v to a Go channel and resumes f's task at the resume point at. If f.Err is not
// nil then, v was not sent: the tree's context has ended or, with a [*PanicError], the channel
// is closed. If the executor is closed meanwhile, v may or may not have been sent.
//
// It costs as much as [RecvFrom].
func SendTo[T any](f AnyFrame, at int, ch chan<- T, v T) Step {
	k := offloadKindOf[T](&sendToKinds)
	return awaitHeld(f.anyFrame(), at, k.HeldKind, struct{}{}, offloadHeld[T]{offloadRequest: offloadRequest[T]{to: ch, value: v}}, nil)
}

var waitContextKinds = offloadKinds{name: "coro.WaitContext"}

// WaitContext waits until ctx has ended, and resumes f's task at the resume point at. If f.Err is
// not nil then, the context of the tree has ended, and ctx has not. If ctx is the tree's own,
// f.Err is nil. No goroutine waits.
func WaitContext(f AnyFrame, at int, ctx context.Context) Step {
	if ctx == nil {
		panic("coro: task " + quote(f.anyFrame().kind.get().name) + ": WaitContext needs a context")
	}
	k := offloadKindOf[struct{}](&waitContextKinds)
	return awaitHeld(f.anyFrame(), at, k.HeldKind, struct{}{}, offloadHeld[struct{}]{offloadRequest: offloadRequest[struct{}]{ctx: ctx}}, nil)
}
