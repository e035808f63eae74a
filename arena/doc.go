// Package arena hands out frames: blocks of memory outside the Go heap, recycled through
// free lists that belong to a thread.
//
// It is for programs with very many small, long-lived things that are made and dropped all
// the time: the frames of tasks (package coro is built on it), sessions, timers, entries of
// tables and queues. To allocate and free a frame takes a few nanoseconds, on any
// goroutine. The collector never looks at frames: with ten million live ones a collection
// takes no longer than with none.
//
// # Three ways to allocate
//
// An [Arena] is made with [New]. Any goroutine may call its Allocate and Deallocate. They
// use the free lists of the P, Go's name for a processor, that the goroutine runs on.
//
// A [Cache], which [Arena.NewCache] returns, is a set of free lists for one goroutine at a
// time. It is the fastest way, and meant for workers that allocate a lot. A frame may be
// freed into another cache of the same arena than it came from, or into the arena itself.
//
// [FrameAllocator] is the interface of both. It has two methods, and [Heap], [Counting] and
// your own types implement it as well. Code that needs frames takes a FrameAllocator, and
// its caller chooses one.
//
// # Which to choose
//
//   - A goroutine that allocates now and then, or one of many: the Arena.
//   - A worker that runs for long and allocates all the time: a Cache of its own. Call
//     [Cache.Publish] before it goes idle, so that others find its free frames, and
//     [Cache.Close] when it ends.
//   - To see whether allocation matters at all: [Counting] in front of the allocator that
//     you have.
//   - A byte budget for each tenant of a shared arena: [Bounded].
//   - Frames that die together: [Monotonic].
//   - A record of all operations, to read or to replay: [Trace].
//   - A baseline for a measurement, or frames in a heap profile: [Heap].
//
// If the things that you allocate are full of slices, strings and interfaces, are
// short-lived or are few, stay with the Go heap or sync.Pool. An arena is of no use there,
// and you lose the help of the collector.
//
// # Sizes
//
// Sizes are rounded up to classes: powers of two from 128 B to 64 KiB. A frame is aligned
// to the size of its class or to 4 KiB, whichever is smaller. Frames of a class are carved
// from slabs of 2 MiB when they are first needed: a page that holds no frame yet takes no
// memory. Larger sizes are rounded up to whole pages and get a mapping of their own, which
// goes back to the system when the frame is freed. That takes two system calls a frame, so
// do not allocate and free large frames at a high rate. Size 0 is served as size 1.
//
// Call Deallocate with the size that Allocate was called with. It tells the class; no size
// is stored beside the frame.
//
// # The pointer rule
//
// The collector does not look into frames. An object on the Go heap to which only a frame
// points is garbage to the collector: its memory is freed and used again, and the frame's
// pointer points to something else. So:
//
//   - Put no pointers to Go memory into frames: no pointers, slices, strings, maps,
//     channels, functions or interfaces. Numbers, and structs and arrays of numbers, are
//     fine.
//   - If a frame must refer to something on the Go heap, keep that in a slice or map of
//     your own, and its index or key in the frame.
//   - If a frame refers to another frame, store the address as a uintptr. A field of
//     pointer type is wrong even there: a store to it makes the runtime look at the old
//     value of the field, which in a recycled frame may be anything.
//
// Pointers from the Go heap or the stack to a frame are fine.
//
// # Contents
//
// The contents of a new frame are undefined: what its last user left, or zero. Write a
// frame before you read it, or use AllocateZeroed.
//
// # Limits
//
// Allocate returns nil when the limit of [WithMaxBytes] is reached, when the system refuses
// memory, or when the size exceeds the address space. It does not panic, and live frames
// are not harmed; after frames are freed, Allocate succeeds again. [Stats] counts the
// refused requests. Code that reports the lack of memory as an error uses [ErrExhausted].
//
// The limit counts whole slabs of 2 MiB. A slab serves one class at a time, so a limit of
// one slab suffices for frames of one class only.
//
// # Several goroutines
//
// All methods of an Arena may be called by any number of goroutines at once, except for
// Close, which must run alone. A Cache is used by one goroutine at a time, as any variable
// without a lock. A frame that passes from one goroutine to another needs the same
// synchronisation as any other memory. A frame that one goroutine frees and another
// allocates needs none: the arena orders the two. Under the race detector frames come from
// the Go heap, so that it sees accesses to them.
//
// # Closing
//
// [Arena.Close] gives all memory back to the system. While frames are live it refuses, with
// an error that says how many of which sizes: free them, and call it again. To use a closed
// arena or a closed Cache panics. It is a fault in the program, as it is to free a frame
// twice or with another size.
//
// [docs/allocator.md] helps to choose an allocator, and has figures and the reasons for the
// design.
//
// # The files, in reading order
//
// Users of the package need not read them. A file with lock-free steps begins with the
// argument for them.
//
//   - allocator.go, options.go, errors.go: what callers see.
//   - arena.go: Arena, its invariants, the way of a request, the order of locks.
//   - cache.go, cache_open.go: a thread's free lists, and how they are opened and closed.
//     local.go with local_pinned.go or local_locked.go: the cache of each P.
//   - Where a cache finds frames: refill.go, steal.go, central.go (new ones), large.go
//     (over 64 KiB), zeroed.go. Where it leaves them: publish.go, empty_batches.go.
//   - Memory goes back: budget.go, trim.go, background_trim.go, reclaim.go, close.go.
//   - Looking at an arena: stats.go, survey.go, validate.go.
//   - Checked mode: checker.go, checker_record.go, checker_quarantine.go,
//     checker_report.go.
//   - Allocators in front of others: heap.go, counting.go, bounded.go, monotonic.go;
//     trace.go, trace_table.go, trace_reader.go.
//
// [docs/allocator.md]: https://github.com/framearena/framearena/blob/main/docs/allocator.md
package arena
