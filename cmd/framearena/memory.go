package main

import (
	"runtime"

	"github.com/framearena/framearena/slab"
)

// accountedMemory estimates the memory of the process in bytes, where the system does not
// report it: the memory that the Go runtime has taken from the system and not given back,
// and mapped bytes of slabs, unless the slabs are on the Go heap. source names the origin of
// the figure.
func accountedMemory(mapped uintptr) (bytes uint64, source string) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	bytes = m.Sys - m.HeapReleased
	if slab.FromHeap {
		return bytes, "MemStats.Sys"
	}
	return bytes + uint64(mapped), "MemStats.Sys and slabs"
}
