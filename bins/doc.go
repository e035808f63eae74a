// Package bins sorts frames by size and holds the free ones.
//
// A [Class] is a size that frames come in: powers of two from 128 B to 64 KiB. Free frames
// of one class wait in two kinds of list:
//
//   - A [List] is private. It has one owner at a time, who uses plain loads and stores.
//   - A [Stack] is public. Any goroutine may push to it and take from it. Its elements are
//     batches of addresses, each a [Batch].
//
// Package arena decides who owns a list, when batches move and what is counted. Package
// slab provides the memory.
//
// # Why arrays of addresses
//
// A free list can be linked through the free frames, or it can keep their addresses in
// arrays of its own. Arrays cost 8 bytes a free frame. They have three advantages: to free
// a frame does not load it into this core's cache; a program that writes to a freed frame
// cannot break the list; and the pages of free frames can be given back to the system while
// the addresses stay in the lists. [docs/allocator.md] has the figures.
//
// # The files, in reading order
//
//   - class.go: sizes.
//   - batch.go: the unit in which frames move between threads.
//   - list.go: the private list of one owner.
//   - stack.go: the public stack, and why it needs no lock.
//   - peek.go: how others look into lists and stacks that are in use.
//
// [docs/allocator.md]: https://github.com/framearena/framearena/blob/main/docs/allocator.md
package bins
