package coro

// Functions that are not compiled, called by one that is: a goroutine runs them while the task waits.

// AwaitGoroutine calls fn on a goroutine and waits until it has returned, whether the context ends or
// not. Its result goes to *result, in f's state or held part. If fn panics, that is raised again in
// the function that has called it; see [ChildErr].
func AwaitGoroutine[R any](f AnyFrame, at int, fn func() (R, error), result *R) Step {
	k := kindByResult[R](&goroutineKinds, defineGoroutineKind[R])
	held := goroutineHeld[R]{call: &goroutineCall[R]{fn: fn}}
	return AwaitCall(f, at, k.With(struct{}{}, held), result, Shield())
}

var goroutineKinds kindsByResult

type goroutineHeld[R any] struct {
	call   *goroutineCall[R]
	result R
}

// goroutineCall is a call on a goroutine. That writes returned; the task reads it afterwards.
type goroutineCall[R any] struct {
	fn       func() (R, error)
	returned bool
}

func (c *goroutineCall[R]) run() (r R, err error) {
	r, err = c.fn()
	c.returned = true
	return r, err
}

func defineGoroutineKind[R any]() *HeldKind[struct{}, goroutineHeld[R], R] {
	return DefineHeld("task.goroutine", func(f *Frame[struct{}, R], held *goroutineHeld[R]) Step {
		if f.At() == 0 {
			return Blocking(f, 1, held.call.run, &held.result)
		}
		err := f.Err()
		if p, ok := err.(*PanicError); ok && !held.call.returned {
			f.worker.get().passing = p
		}
		return ReturnBoth(f, held.result, err)
	})
}

// AwaitStartOn calls a start form on another executor, and waits for its end. A panic is raised
// again, as by [AwaitGoroutine].
func AwaitStartOn(f AnyFrame, at int, ex Executor, start func(*Suspension) error) Step {
	return AwaitCall(f, at, startOnKind.With(struct{}{}, startOn{ex, start}), nil)
}

type startOn struct {
	ex    Executor
	start func(*Suspension) error
}

var startOnKind = DefineHeld("task.OnExecutor", func(f *Frame[struct{}, struct{}], held *startOn) Step {
	if f.At() == 0 {
		return AwaitOn(f, 1, held.ex, childKind.With(struct{}{}, childHeld{held.start}), nil)
	}
	err := f.Err()
	if p, ok := err.(*PanicError); ok {
		f.worker.get().passing = p
	}
	return ReturnBoth(f, struct{}{}, err)
})
