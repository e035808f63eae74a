package main

import (
	"sync/atomic"

	"github.com/framearena/framearena/coro"
)

// The chain is the benchmark of the seed's project: the loop awaits depth 1 so
// many times, each task awaits those one deeper, and the deepest does next to
// nothing. What is left to measure is the making, awaiting and freeing of frames.
const (
	leavesPerIteration = 5 * 3 * 3
	framesPerIteration = 1 + 5 + 5*3 + leavesPerIteration
)

// leaves counts the tasks, or goroutines, that reached depth 4.
var leaves atomic.Uint64

// repeat is the state of a task that awaits the same thing left more times.
type repeat struct{ left int }

// none is the state or the result of tasks that have none.
type none = struct{}

// The kinds are written out, like the functions of the original: step functions
// made by a common one would reach for the kind they await through a closure, a
// few percent of what is to be measured.
//
// They are never elided, so that each task is a frame that some allocator gives.
var (
	benchLoop = coro.Define("bench loop", func(f *coro.Frame[repeat, none]) coro.Step {
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
