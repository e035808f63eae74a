//go:build !race && !framearena_heap

package slab

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// A region is address space: what counts against the system's commit limit
	// should be the pages that are used.
	mapFlags = unix.MAP_NORESERVE

	adviceHuge     = unix.MADV_HUGEPAGE
	advicePopulate = unix.MADV_POPULATE_WRITE
)

// discardPages gives whole pages back. They read as zero afterwards.
func discardPages(p unsafe.Pointer, n uintptr) error {
	return unix.Madvise(unsafe.Slice((*byte)(p), n), unix.MADV_DONTNEED)
}
