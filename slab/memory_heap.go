//go:build (!linux && !darwin && !freebsd) || race || framearena_heap

package slab

import "unsafe"

// FromHeap reports whether slabs and mappings come from the Go heap.
const FromHeap = true

const defaultRegion = 8 << 20

// maxBlock is the largest block that is allocated, in bytes: 8 GiB, or 512 MiB on 32-bit
// machines. Larger requests are refused here, because the Go heap ends the process when it
// has no memory.
const maxBlock = 512 << 20 << (^uintptr(0) >> 63 << 2)

// memory is an aligned part of a block of the Go heap.
type memory struct {
	base    unsafe.Pointer
	size    uintptr
	backing []byte // keeps the block reachable
}

// reserveMemory allocates size bytes, aligned to align, a power of two.
func reserveMemory(size, align uintptr) (memory, error) {
	if size > maxBlock {
		return memory{}, errTooLarge
	}
	backing := make([]byte, size+align)
	p := unsafe.Pointer(unsafe.SliceData(backing))
	return memory{base: unsafe.Add(p, -uintptr(p)&(align-1)), size: size, backing: backing}, nil
}

// release leaves the block to the collector.
func (m memory) release() error { return nil }

func adviseHuge(unsafe.Pointer, uintptr) {}

// discardPages is never called in this build: discard returns early if FromHeap is true.
func discardPages(unsafe.Pointer, uintptr) error { return nil }

// prefault makes the system back the n bytes at p with memory.
func prefault(p unsafe.Pointer, n uintptr) error {
	touch(p, n)
	return nil
}
