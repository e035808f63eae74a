package coro

// Operations of package task whose arguments have types of the program. The arguments lie in the
// Suspension, or in the worker, from the call of the function on until Enter: nothing else waits in
// between, and nothing is allocated.

// Kept is what the maker of a [Call] keeps beside it.
type Kept interface {
	// Clear is called when the call is launched.
	Clear()
}

// Kept returns where the maker of the call keeps what belongs to it. Calls are reused, and what was
// kept in another one of the same kind may be there, cleared. It must not be used after a launch.
func (c Call[R]) Kept() *Kept { return &c.c.kept }

// TakeKept ends the use of a call that is not launched, and returns what was kept beside it.
func (c Call[R]) TakeKept() Kept {
	call := c.claim()
	kept := call.kept
	call.kept = nil
	call.recycle()
	return kept
}

// Stage returns the operation of awaiting the call, and puts its argument into s. The result is that
// of the call. Stage panics if the call was launched.
func (c Call[R]) Stage(s *Suspension) Waiting {
	if c.c == nil || c.c.id.Load() != c.id {
		c.claim() // panics
	}
	s.Amount = int64(c.id)
	return (*stagedCall[R])(c.c)
}

type stagedCall[R any] callFor[R]

func (c *stagedCall[R]) Enter(s *Suspension, f AnyFrame, at int) Step {
	return AwaitCall(f, at, Call[R]{(*callFor[R])(c), uint64(s.Amount)}, (*R)(s.Result()))
}
