// Package arena hands out frames: blocks of memory outside the Go heap, recycled
// through free lists that belong to a thread.
//
// It is for programs with very many small, long-lived things that are made and
// dropped all the time: the frames of tasks (package coro is built on it),
// sessions, timers, entries of tables and queues. A frame costs a few nanoseconds
// to get and to give back, on whatever goroutine, and the collector never looks at
// it: ten million live frames make a collection no longer than none do.
//
// # Three ways to allocate
//
// An [Arena] is made with [New]. Any goroutine may call its Allocate and
// Deallocate. They use the free lists of the P, Go's name for a processor, that
// the goroutine happens to run on.
//
// A [Cache], which [Arena.NewCache] returns, is a set of free lists for one
// goroutine at a time. It is the fastest way, and meant for a worker that
// allocates a lot. Frames may be freed into another cache of the same arena than
// they came from, or into the arena itself: they are all the same frames.
//
// [FrameAllocator] is what the two have in common: an interface of two methods,
// which [Heap], [Counting] and your own types satisfy as well. Code that needs
// frames asks for a FrameAllocator, and its caller chooses.
//
// # Which to choose
//
//   - A goroutine that allocates now and then, or one of many: the Arena.
//   - A worker that runs for long and allocates all the time: a Cache of its own.
//     Call [Cache.Publish] before it goes idle, so that others find its free
//     frames, and Close when it ends.
//   - To see whether allocation matters at all: [Counting] in front of the
//     allocator at hand.
//   - As a baseline for a measurement, or to find frames in a heap profile: [Heap].
//
// If what you allocate is full of slices, strings and interfaces, is short-lived
// or is not numerous, stay with the Go heap or with sync.Pool: an arena gives you
// nothing there and takes the collector's help away.
//
// # Sizes
//
// Sizes are rounded up to classes: powers of two from 128 B to 64 KiB. A frame is
// aligned to the size of its class or to 4 KiB, whichever is smaller. Frames of a
// class are carved from slabs of 2 MiB, when they are first needed: a page that no
// frame has reached costs nothing. Larger sizes are rounded up to whole pages and
// get a mapping of their own, which goes back to the system when it is freed. That
// is two system calls: do not recycle large frames at a high rate. Size 0 is
// served like size 1.
//
// The size given to Deallocate is the one that was given to Allocate. It is how
// the class is found; no size is stored beside the frame.
//
// # The pointer rule
//
// The collector does not look into frames. Something on the Go heap that only a
// frame refers to is garbage to the collector: it is freed, and the frame's
// pointer is left pointing at whatever comes next. So:
//
//   - Put no pointers to Go memory into frames: no pointers, slices, strings, maps,
//     channels, functions or interfaces. Numbers, and structs and arrays of
//     numbers, are fine.
//   - Where a frame must refer to something on the Go heap, keep that in a slice or
//     map of your own, and its index or key in the frame.
//   - Where a frame refers to another frame, store the address as a uintptr. A
//     field of pointer type is wrong even there: storing to it makes the runtime
//     look at what was in the field before, which in a recycled frame may be
//     anything.
//
// Pointers from the Go heap or the stack to a frame are fine.
//
// # Contents
//
// A frame's contents are undefined: what its last user left, or zero. Write a
// frame before you read it.
//
// # Limits
//
// Allocate returns nil when [WithMaxBytes] is used up, when the system refuses, or
// when the size is more than the address space. It does not panic, and whatever was
// allocated before is not harmed; when frames are freed, Allocate succeeds again.
// Each request for memory that was refused counts in [Stats]. Code that must report
// the lack as an error has [ErrExhausted].
//
// Memory in slabs is counted in whole slabs of 2 MiB: a slab serves one class, and
// a limit of one slab is enough for frames of one class only.
//
// # Several goroutines
//
// All methods of an Arena may be called by any number of goroutines, except for
// Close, which must be alone. A Cache is used by one goroutine at a time, like any
// variable without a lock. A frame that passes from one goroutine to another needs
// the same synchronisation as any other memory; but a frame that was freed by one
// and is allocated by another needs none: the arena orders the two. Under the race
// detector frames come from the Go heap, so that it sees what happens in them.
//
// # Closing
//
// [Arena.Close] gives all memory back to the system. While frames are live it
// refuses, with an error that says how many of which sizes; free them, and try
// again. A closed arena, or a closed Cache, panics when it is used: that is a fault
// in the program, as is freeing twice or with another size.
//
// [docs/allocator.md] says how to choose among the allocators, has figures, and the reasons
// for what is inside.
//
// [docs/allocator.md]: https://github.com/framearena/framearena/blob/main/docs/allocator.md
package arena
