package coro

// AwaitStartOn calls a start form on another executor, and waits for its end. A panic is raised
// again in the function that has called it; see [ChildErr].
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
		f.header.worker.get().passing = p
	}
	return ReturnBoth(f, struct{}{}, err)
})
