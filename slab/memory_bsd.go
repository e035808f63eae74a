//go:build (darwin || freebsd) && !race && !framearena_heap

package slab

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	mapFlags       = 0
	adviceHuge     = 0
	advicePopulate = 0
)

// discardPages gives whole pages back to the system. They read as zero afterwards. No
// madvise advice of these systems promises that, so new pages are mapped over the old ones.
func discardPages(p unsafe.Pointer, n uintptr) error {
	_, err := unix.MmapPtr(-1, 0, p, n, protection, anonymous|unix.MAP_FIXED)
	return err
}
