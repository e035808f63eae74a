// Package fuzz tests allocators of frames: implementations of [arena.FrameAllocator].
//
// Each of three functions is one line in a test file:
//
//	func TestMine(t *testing.T)     { fuzz.Check(t, newMine, promises) }
//	func FuzzMine(f *testing.F)     { fuzz.Fuzz(f, newMine, promises) }
//	func TestMineBusy(t *testing.T) { fuzz.Stress(t, newMine, promises) }
//
// [Check] runs the same programs each time: they allocate, free in any order, free on
// another goroutine, write, verify, trim, open and close caches, and refuse memory. Some are
// long: they have very many live frames, sizes of every kind, and garbage collections. [Fuzz]
// decodes programs from the bytes that Go's fuzzing tries. In [Stress] many goroutines hand
// frames to each other.
//
// newMine is a function that returns a new allocator. promises is a list of options, a
// [Promises], with an [Option] for everything that the allocator promises beyond the two
// methods of a FrameAllocator.
//
// # What the kit checks
//
// The kit fills every frame from its first byte to its last, with bytes that depend on the
// frame's address, its size and the time of the write. It verifies a frame before freeing
// it, when a neighbour is allocated, and after each operation that may have damaged it. It
// knows the addresses of all live frames, and compares the allocator's figures after each
// operation. [Invariant] lists the rules and why they matter.
//
// The kit does not use the bytes between the size that it asked for and the size to which
// the allocator has rounded it up.
//
// # What a failure shows
//
// A failure names the invariant, and shows a test of a few lines that breaks it. Check and
// Fuzz reduce the program to the operations that it needs; [Replay] runs it. For Stress the
// test has the smallest load that has broken the invariant.
//
// # An allocator on top of another
//
// If an allocator takes its memory from a FrameAllocator, it should take it from a [Memory]
// in tests. A Memory detects writes beside its blocks and after they were given back, and
// lets programs refuse memory, without an option.
//
// # What the kit cannot detect
//
// If the allocator loses memory of the Go heap in which frames are live, a collection at the
// wrong moment ends the process ("found bad pointer in Go heap") before the kit can tell.
// Stress has no time limit for a call: the timeout of go test ends it. The kit does not
// notice a write to memory that belongs neither to a live frame nor to a Memory. Races that
// have no effect are found by the race detector: run Stress with -race.
//
// [docs/testing.md] describes all of this on one page, and shows a failure.
//
// [docs/testing.md]: https://github.com/framearena/framearena/blob/main/docs/testing.md
package fuzz
