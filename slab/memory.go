package slab

import (
	"errors"
	"os"
)

// A block that the system gave is a memory. The type, and how one is reserved,
// released, advised and discarded, is in memory_mmap.go and memory_heap.go, one of
// which is built.

// MaxMapping is more than anybody can have, in bytes: an eighth of the address
// space. Below it, sums of sizes and alignments do not wrap. Map refuses more.
const MaxMapping = ^uintptr(0) >> 3

var errTooLarge = errors.New("more than the address space")

var pageSize = uintptr(os.Getpagesize())

// PageSize returns the size of the system's pages, in bytes.
func PageSize() uintptr { return pageSize }
