// Package fuzz tests allocators of frames: whether what must hold of any
// [arena.FrameAllocator] holds of yours.
//
// Three functions test, with one line each in a test file:
//
//	func TestMine(t *testing.T)   { fuzz.Check(t, newMine, promises...) }
//	func FuzzMine(f *testing.F)   { fuzz.Fuzz(f, newMine, promises...) }
//	func TestMineBusy(t *testing.T) { fuzz.Stress(t, newMine, promises...) }
//
// [Check] runs the same programs each time: allocate, free in any order, free on another
// goroutine, write, verify, trim, open and close caches, refuse memory. [Fuzz] makes
// programs of the bytes that Go's fuzzing tries. [Stress] has many goroutines hand
// frames to each other. newMine is a function that returns a new allocator; promises has
// an [Option] for each thing that it promises beyond the two methods.
//
// # What is looked at
//
// Every frame is filled from its first byte to its last, with bytes that depend on its
// address, its size and when it was written, and their fingerprint is compared before
// it is freed, when its neighbours are handed out, and whenever the allocator had an
// occasion to damage it. The addresses of all live frames are known. Figures are
// compared after each operation. [Invariant] lists what must hold and why it matters.
//
// What lies between the size that was asked for and the size that the allocator made
// of it is nobody's: the kit does not look there.
//
// # When something is wrong
//
// The failure names the invariant, and shows a test of a few lines that breaks it:
// Check and Fuzz leave out of the program whatever is not needed for that. [Replay] runs
// it. For Stress it is the smallest load that was seen to break the invariant.
//
// # An allocator on top of another
//
// If yours takes its memory from a FrameAllocator, let it take it from a [Memory] in
// tests. That also sees what is written beside the blocks and after they were given
// back, and refuses memory when the program says so, without any option.
//
// # What it cannot see
//
// In Stress, a call that never returns is found by the timeout of go test. A write to memory
// that is neither a live frame's nor a Memory's goes unnoticed. Races without an effect are
// for the race detector: run Stress with -race.
//
// [docs/testing.md] has all of it on one page, with what a failure looks like.
//
// [docs/testing.md]: https://github.com/framearena/framearena/blob/main/docs/testing.md
package fuzz
