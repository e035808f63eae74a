//go:build (linux || darwin || freebsd) && !race && !framearena_heap

package slab

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// FromHeap reports whether slabs and mappings come from the Go heap.
const FromHeap = false

// defaultRegion is 64 MiB, and 16 MiB on 32-bit machines, where address space is scarce.
const defaultRegion = 16 << 20 << (^uintptr(0) >> 63 << 1)

const (
	protection = unix.PROT_READ | unix.PROT_WRITE
	anonymous  = unix.MAP_ANON | unix.MAP_PRIVATE | mapFlags
)

// memory is a mapping of the system.
type memory struct {
	base unsafe.Pointer
	size uintptr
}

// reserveMemory maps size bytes, aligned to align; both are multiples of a page.
func reserveMemory(size, align uintptr) (memory, error) {
	extra := align - min(align, PageSize()) // mappings are aligned to pages anyway
	p, err := unix.MmapPtr(-1, 0, nil, size+extra, protection, anonymous)
	if err != nil {
		return memory{}, err
	}
	// The excess on either side goes back. If the system refuses that, address space is
	// lost, but no memory: none of its pages was ever touched.
	head := -uintptr(p) & (align - 1)
	base := unsafe.Add(p, head)
	if head > 0 {
		_ = unix.MunmapPtr(p, head)
	}
	if tail := extra - head; tail > 0 {
		_ = unix.MunmapPtr(unsafe.Add(base, size), tail)
	}
	return memory{base: base, size: size}, nil
}

// release unmaps m.
func (m memory) release() error { return unix.MunmapPtr(m.base, m.size) }

// adviseHuge asks the system for huge pages. The error of a system without them is ignored:
// ordinary pages work too.
func adviseHuge(p unsafe.Pointer, n uintptr) {
	if adviceHuge != 0 {
		_ = unix.Madvise(unsafe.Slice((*byte)(p), n), adviceHuge)
	}
}

// prefault makes the system back the n bytes at p with memory.
func prefault(p unsafe.Pointer, n uintptr) error {
	if advicePopulate != 0 {
		err := unix.Madvise(unsafe.Slice((*byte)(p), n), advicePopulate)
		if !errors.Is(err, unix.EINVAL) { // EINVAL: the kernel is too old for this advice
			return err
		}
	}
	touch(p, n)
	return nil
}
