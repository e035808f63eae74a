// Counting is an allocator of one's own that counts: how many frames does a tree of tasks
// allocate, and is that worth a thought?
//
//	go run ./examples/counting
//	go run ./examples/counting -n 25 -runs 10
//
// counting.go is the allocator, an [arena.FrameAllocator] of two methods. It is given to a
// launch and then serves every frame of that tree, and of no other:
//
//	frames := newCounting(new(arena.Heap))
//	err := coro.RunAsync(ex, coro.Allocator(frames))(fib.With(fibonacci{n: 20}))
//
// The program counts a tree of tasks that computes a Fibonacci number. A task does next to
// nothing else, so it is allocation that takes the time. There are three things to do about
// that, and the program shows all of them:
//
//   - nothing: see what a frame costs, and what the task does besides;
//   - other memory: the executor's arena, which recycles frames, is the default, and here
//     beside the Go heap;
//   - no frames: children in the frame of the root, if that is made large enough
//     ([coro.RootFrameSize], [coro.ChainSize]). They are elided. Without an allocator of
//     one's own, children are elided as well where the arena's frame has room left.
//
// Package arena has a Counting with more figures. This one is there to be copied.
package main
