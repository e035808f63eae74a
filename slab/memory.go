package slab

import (
	"errors"
	"os"
	"unsafe"
)

// A block of memory from the system is a value of type memory. Its type, and the functions
// that reserve, release, advise, discard and prefault blocks, are in memory_mmap.go and
// memory_heap.go. A build has one of the two.

// MaxMapping is the largest mapping that [Store.Map] asks the system for, in bytes: an
// eighth of the address space, which is more than any system can give. Sums of sizes and
// alignments below it do not overflow.
const MaxMapping = ^uintptr(0) >> 3

var errTooLarge = errors.New("more than the address space")

var pageSize = uintptr(os.Getpagesize())

// PageSize returns the size of the system's pages, in bytes.
func PageSize() uintptr { return pageSize }

// wholePages rounds size, which is at most MaxMapping, up to whole pages, at least one.
func wholePages(size uintptr) uintptr {
	page := PageSize()
	return max(size+page-1, page) &^ (page - 1)
}

// touch writes a zero to every page of the n bytes at p. The memory must be zero and
// unused.
func touch(p unsafe.Pointer, n uintptr) {
	for at := uintptr(0); at < n; at += PageSize() {
		*(*byte)(unsafe.Add(p, at)) = 0
	}
}
