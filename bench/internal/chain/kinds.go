package chain

import "github.com/framearena/framearena/coro"

type none = struct{}

// repeat is the state of a task that awaits the same thing left more times.
type repeat struct{ left int }

// The kinds of the chain, each written out: a step function made by another function could
// not be inlined or known to the compiler, which is how the other languages have it.
var (
	loop = coro.Define("loop", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth1, repeat{5}, nil)
	}, coro.NeverElided())

	depth1 = coro.Define("depth 1", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth2, repeat{3}, nil)
	}, coro.NeverElided())

	depth2 = coro.Define("depth 2", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth3, repeat{3}, nil)
	}, coro.NeverElided())

	depth3 = coro.Define("depth 3", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth4, none{}, nil)
	}, coro.NeverElided())

	depth4 = coro.Define("depth 4", func(f *coro.Frame[none, none]) coro.Step {
		leaves.Add(1)
		return f.Return(none{})
	}, coro.NeverElided())
)

// The same kinds, whose frames are elided where they fit.
var (
	elidedLoop = coro.Define("elided loop", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided1, repeat{5}, nil)
	})

	elided1 = coro.Define("elided depth 1", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided2, repeat{3}, nil)
	})

	elided2 = coro.Define("elided depth 2", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided3, repeat{3}, nil)
	})

	elided3 = coro.Define("elided depth 3", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided4, none{}, nil)
	})

	elided4 = coro.Define("elided depth 4", func(f *coro.Frame[none, none]) coro.Step {
		leaves.Add(1)
		return f.Return(none{})
	})
)
