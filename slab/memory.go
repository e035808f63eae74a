package slab

import (
	"errors"
	"os"
	"unsafe"
)

// memory is a block that the system gave. How it is reserved, released, advised
// and discarded is in memory_mmap.go and memory_heap.go, one of which is built.
type memory struct {
	base unsafe.Pointer
	size uintptr

	// backing keeps a block of the Go heap reachable. It is nil for a mapping.
	backing []byte
}

// maxMapping is what nobody can have, in bytes: an eighth of the address space.
// Below it, sums of sizes and alignments do not wrap.
const maxMapping = ^uintptr(0) >> 3

var errTooLarge = errors.New("more than the address space")

var pageSize = uintptr(os.Getpagesize())

// PageSize returns the size of the system's pages, in bytes.
func PageSize() uintptr { return pageSize }
