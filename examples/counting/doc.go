// Counting is a user's own allocator that counts: how many frames does a tree of tasks
// allocate, and what do they cost?
//
//	go run ./examples/counting
//	go run ./examples/counting -n 25 -runs 10
//
// counting.go is the allocator, an [arena.FrameAllocator] with two methods. A launch takes
// it as an option, and then it serves every frame of that tree, and of no other:
//
//	frames := newCounting(new(arena.Heap))
//	err := coro.RunAsync(ex, coro.Allocator(frames))(fib.With(fibonacci{n: 20}))
//
// The program counts the frames of a tree of tasks that computes a Fibonacci number. A task
// does little else, so most of the time goes into allocation. The program compares:
//
//   - the Go heap as the source of frames;
//   - the executor's arena, which recycles frames, and is the default of every launch;
//   - elision: children are placed in the frame of the root, if that is large enough
//     ([coro.RootFrameSize], [coro.ChainSize]), and need no frames. Without an allocator of
//     its own, a tree also elides children where a frame of the arena has room left.
//
// Package arena has a Counting with more figures. This one is short, to be copied.
package main
