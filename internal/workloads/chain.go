package workloads

import (
	"sync/atomic"

	"github.com/framearena/framearena/coro"
)

// An iteration of the chain reaches so many leaves and makes so many frames. The loop's own
// frame is not among them.
const (
	LeavesPerIteration = 5 * 3 * 3
	FramesPerIteration = 1 + 5 + 5*3 + LeavesPerIteration
)

// ChainLeaves counts the tasks, or calls, that have reached the end of a chain. All chains
// of the process add to it: a caller that compares the count with what it expects must be
// the only one that runs a chain.
var ChainLeaves atomic.Uint64

// Repeat is the state of a task that awaits a child of the same kind Left more times.
type Repeat struct{ Left int }

// Chain is the benchmark of Boost.Capy's page on frame allocators. The loop awaits depth 1
// as many times as its state says, depth 1 awaits depth 2 five times, depth 2 awaits depth 3
// three times, depth 3 awaits the leaf three times, and the leaf adds 1 to [ChainLeaves]. A
// task does next to nothing besides, so the time is that of its frame: to allocate it, to
// run in it, to return to the parent and to free it.
//
// No frame is elided: each one comes from an allocator.
var (
	Chain = coro.Define("chain loop", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, chain1, Repeat{5}, nil)
	}, coro.NeverElided())

	chain1 = coro.Define("chain depth 1", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, chain2, Repeat{3}, nil)
	}, coro.NeverElided())

	chain2 = coro.Define("chain depth 2", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, chain3, Repeat{3}, nil)
	}, coro.NeverElided())

	chain3 = coro.Define("chain depth 3", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, ChainLeaf, none{}, nil)
	}, coro.NeverElided())

	// ChainLeaf is the end of the chain. As a root it is the smallest task: it has no state,
	// and ends in its first step.
	ChainLeaf = coro.Define("chain leaf", func(f *coro.Frame[none, none]) coro.Step {
		ChainLeaves.Add(1)
		return f.Return(none{})
	}, coro.NeverElided())
)

// ElidedChain is [Chain] with children that are elided where they fit. In a root frame of
// [ElidedChainSize] all of them do.
var (
	ElidedChain = coro.Define("elided chain loop", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, elided1, Repeat{5}, nil)
	})

	elided1 = coro.Define("elided chain depth 1", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, elided2, Repeat{3}, nil)
	})

	elided2 = coro.Define("elided chain depth 2", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, elided3, Repeat{3}, nil)
	})

	elided3 = coro.Define("elided chain depth 3", func(f *coro.Frame[Repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, elidedLeaf, none{}, nil)
	})

	elidedLeaf = coro.Define("elided chain leaf", func(f *coro.Frame[none, none]) coro.Step {
		ChainLeaves.Add(1)
		return f.Return(none{})
	})
)

// ElidedChainSize returns the size in bytes of a root frame of [ElidedChain] that has room
// for all of the chain: the argument of [coro.RootFrameSize].
func ElidedChainSize() uintptr {
	return coro.ChainSize(ElidedChain, elided1, elided2, elided3, elidedLeaf)
}

// ChainOfCalls is the chain without tasks: each function of it is called by way of call,
// which may give the function a stack of its own and must return when the function has. It
// runs the loop on the calling goroutine, so many iterations.
func ChainOfCalls(call func(f func()), iterations int) {
	leaf := func() { ChainLeaves.Add(1) }
	depth3 := func() {
		for range 3 {
			call(leaf)
		}
	}
	depth2 := func() {
		for range 3 {
			call(depth3)
		}
	}
	depth1 := func() {
		for range 5 {
			call(depth2)
		}
	}
	for range iterations {
		call(depth1)
	}
}

// AwaitGoroutine runs f on a goroutine of its own and waits for its end on a channel, as a
// task waits for the child that it awaits.
func AwaitGoroutine(f func()) {
	done := make(chan none)
	go func() {
		f()
		close(done)
	}()
	<-done
}
