//go:build !race && !framearena_heap

package slab

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// A region is only address space: its pages should count against the system's commit
	// limit when they are used, not when the region is mapped.
	mapFlags = unix.MAP_NORESERVE

	adviceHuge     = unix.MADV_HUGEPAGE
	advicePopulate = unix.MADV_POPULATE_WRITE
)

// discardPages gives whole pages back to the system. They read as zero afterwards.
func discardPages(p unsafe.Pointer, n uintptr) error {
	return unix.Madvise(unsafe.Slice((*byte)(p), n), unix.MADV_DONTNEED)
}
