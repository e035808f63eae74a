package main

import "github.com/framearena/framearena/coro"

// The kinds of the chain once more, written out for the same reason: here children
// are elided where they fit, and the root's frame has room for all of them.
var (
	elidedLoop = coro.Define("elided loop", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elidedDepth1, repeat{5}, nil)
	})

	elidedDepth1 = coro.Define("elided depth 1", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elidedDepth2, repeat{3}, nil)
	})

	elidedDepth2 = coro.Define("elided depth 2", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elidedDepth3, repeat{3}, nil)
	})

	elidedDepth3 = coro.Define("elided depth 3", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elidedDepth4, none{}, nil)
	})

	elidedDepth4 = coro.Define("elided depth 4", func(f *coro.Frame[none, none]) coro.Step {
		leaves.Add(1)
		return f.Return(none{})
	})
)

func openElidedChain() chain {
	c := newTaskChain()
	c.loop = elidedLoop
	c.launch = coro.RunAsync(c.executor, coro.RootFrameSize(coro.ChainSize(elidedLoop, elidedDepth1, elidedDepth2, elidedDepth3, elidedDepth4)))
	return c
}
