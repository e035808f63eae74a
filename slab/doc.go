// Package slab takes memory from the operating system in slabs of 2 MiB, aligned to 2 MiB,
// and gives it back. It manages pages and does not know what they hold.
//
// A [Store] reserves address space in regions of many slabs, so that system calls are rare,
// and hands out one slab at a time. The descriptor of a slab, in which the user of the
// Store keeps what it needs to know, lies on the Go heap beside the slabs. [Store.Find]
// returns the slab, and so the descriptor, of any address inside it. A returned slab gives
// its pages back to the system at once; its address space is handed out again. [Store.Map]
// makes a mapping of its own for a request that is too large for a slab.
//
// The collector neither scans nor moves this memory: it must not hold the only reference to
// anything on the Go heap.
//
// # Where memory comes from
//
// On Linux, macOS and FreeBSD memory comes from anonymous private mappings. It comes from
// pointer-free blocks of the Go heap on other systems, under the race detector (which does
// not track memory that Go did not allocate), and with the build tag framearena_heap.
// Everything works there too, but pages are not given back before [Store.Close], and a lack
// of memory ends the process instead of being refused. [FromHeap] reports which of the two
// it is.
//
// # The files, in reading order
//
//   - memory.go: a block of memory from the system, and its size limits; memory_mmap.go
//     with memory_linux.go or memory_bsd.go, or memory_heap.go, is the part for the system.
//   - store.go: Config, Slab, Store; slabs are acquired, discarded and returned; Close.
//   - region.go: reserved address space, and how Find works without a lock.
//   - mapping.go: memory that is too large for a slab.
//   - stats.go, errors.go.
package slab
