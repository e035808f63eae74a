package slab

import "unsafe"

// touch writes to every page of the n bytes at p, which are nobody's yet.
func touch(p unsafe.Pointer, n uintptr) {
	for at := uintptr(0); at < n; at += PageSize() {
		*(*byte)(unsafe.Add(p, at)) = 0
	}
}
