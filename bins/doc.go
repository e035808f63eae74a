// Package bins sorts frames by size and holds the free ones.
//
// A [Class] is a size that frames come in: powers of two from 128 B to 64 KiB.
// Free frames of one class wait in two kinds of list:
//
//   - a [List] is private: one owner at a time, plain loads and stores, an array
//     of addresses. It does not touch the frames it holds.
//   - a [Stack] is public: any goroutine may push onto it or take all that it
//     holds. What moves through it are batches of addresses, each a [Batch].
//
// Who owns a list, when batches move and what is counted is the business of
// package arena. Where the memory comes from is that of package slab.
//
// # Why arrays of addresses
//
// A free list can be linked through the frames themselves, or the addresses can
// be kept beside them. Beside them costs 8 bytes a free frame, and buys three
// things: freeing a frame that is cold in this core's cache does not fetch it; a
// program that writes to a frame after it was freed cannot break the list; and
// pages of free frames can be given back to the system while their addresses
// stay in the lists. [docs/allocator.md] has the figures.
//
// [docs/allocator.md]: https://github.com/framearena/framearena/blob/main/docs/allocator.md
package bins
