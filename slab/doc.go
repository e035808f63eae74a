// Package slab gets memory from the operating system in slabs of 2 MiB that are
// aligned to 2 MiB, and gives it back. It knows pages, not what lies in them.
//
// A [Store] reserves address space in regions of many slabs, so that system calls
// are rare, and hands out one slab at a time. What the store's user keeps about a
// slab, its descriptor, lies on the Go heap beside the slabs and is found from any
// address inside one by [Store.Find]. A slab that is returned gives its pages
// back at once and its address space to the next who asks. What is too big for a
// slab gets a mapping of its own.
//
// The collector neither scans nor moves this memory: it must not hold the only
// reference to anything on the Go heap.
//
// # Where memory comes from
//
// On Linux, macOS and FreeBSD it is anonymous private mappings. Elsewhere, under
// the race detector, which does not see memory that Go did not allocate, and with
// the build tag framearena_heap it is blocks of the Go heap without pointers:
// everything works, but pages are not given back before [Store.Close], and a
// machine without memory ends the process instead of refusing. [FromHeap] says
// which it is.
package slab
