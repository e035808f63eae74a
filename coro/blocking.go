package coro

import "context"

var blockingKinds = offloadKinds{name: "coro.Blocking"}

// Blocking calls fn on a goroutine of its own, waits until it has returned, and goes
// on in f at the resume point at. It is for what blocks, such as to read a file,
// and for what takes long: in a step, either would keep the worker from other tasks.
//
// It is like [Await] with a child that does what fn does: the result goes to *result,
// which must lie in f's state or held part, or nowhere if result is nil; f.Err gives
// the error. If fn panics or calls [runtime.Goexit], that is a [*PanicError].
//
// If the tree's context ends, the task goes on at once, and f.Err gives the cause:
// unless fn has returned by then. If not, it finishes by itself, and its result, its
// error or its panic is dropped; so it is when the executor is closed. Therefore fn
// must not use f, nor f's state or held part: these may be gone. It gets copies of
// what it needs, and what it should stop with, such as f.Context(). If the context
// has ended before, fn is not called.
//
// Goroutines are used again, and end when they had nothing to do for some seconds.
// There are as many as functions that run at the same time: where that must be
// limited, use a [Semaphore]. With a fn that is no new closure, nothing is
// allocated on the Go heap in the steady state.
func Blocking[S, R, T any](f *Frame[S, R], at int, fn func() (T, error), result *T) Step {
	if fn == nil {
		panic("coro: task " + quote(f.kind.get().name) + ": Blocking needs a function")
	}
	k := offloadKindOf[T](&blockingKinds)
	return AwaitHeld(f, at, k.HeldKind, struct{}{}, offloadHeld[T]{offloadRequest: offloadRequest[T]{fn: fn}}, result)
}

var (
	recvFromKinds = offloadKinds{name: "coro.RecvFrom"}
	sendToKinds   = offloadKinds{name: "coro.SendTo"}
)

// RecvFrom receives a value from a Go channel and goes on in f at the resume point at.
// The value goes to *result, which must lie in f's state or held part, or nowhere if
// result is nil. If the channel is closed and empty, f.Err is [ErrChanClosed].
//
// If the tree's context ends, the task goes on, and f.Err gives the cause; then
// nothing was received. A value that was received before that is given to the task,
// and f.Err is nil: none is lost. Only closing the executor may lose one, if it comes
// at the same moment.
//
// Where a value is there already, that costs as much as a child. Where it is not, a
// goroutine waits for it; tasks that wait often should do so for a [Chan], to which
// goroutines can send with [Chan.TrySend].
func RecvFrom[S, R, T any](f *Frame[S, R], at int, ch <-chan T, result *T) Step {
	k := offloadKindOf[T](&recvFromKinds)
	return AwaitHeld(f, at, k.HeldKind, struct{}{}, offloadHeld[T]{offloadRequest: offloadRequest[T]{from: ch}}, result)
}

// SendTo sends v to a Go channel and goes on in f at the resume point at. If f.Err
// is not nil then, v was not sent: the tree's context has ended or, with a
// [*PanicError], the channel is closed. When the executor is closed, v may or may not
// have been sent.
//
// What it costs is as with [RecvFrom].
func SendTo[S, R, T any](f *Frame[S, R], at int, ch chan<- T, v T) Step {
	k := offloadKindOf[T](&sendToKinds)
	return AwaitHeld(f, at, k.HeldKind, struct{}{}, offloadHeld[T]{offloadRequest: offloadRequest[T]{to: ch, value: v}}, nil)
}

var waitContextKinds = offloadKinds{name: "coro.WaitContext"}

// WaitContext waits until ctx has ended, and goes on in f at the resume point at. If
// f.Err is not nil then, ctx has not ended, but the context of the tree has. With
// ctx the tree's own, f.Err is nil. No goroutine waits.
func WaitContext[S, R any](f *Frame[S, R], at int, ctx context.Context) Step {
	if ctx == nil {
		panic("coro: task " + quote(f.kind.get().name) + ": WaitContext needs a context")
	}
	k := offloadKindOf[struct{}](&waitContextKinds)
	return AwaitHeld(f, at, k.HeldKind, struct{}{}, offloadHeld[struct{}]{offloadRequest: offloadRequest[struct{}]{ctx: ctx}}, nil)
}
