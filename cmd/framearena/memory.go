package main

import (
	"runtime"

	"github.com/framearena/framearena/slab"
)

// accountedMemory estimates the process's memory where the system does not say:
// what the Go runtime has from the system and did not give back, and mapped bytes
// of slabs, unless the runtime knows of them.
func accountedMemory(mapped uintptr) (bytes uint64, source string) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	bytes = m.Sys - m.HeapReleased
	if slab.FromHeap {
		return bytes, "MemStats.Sys"
	}
	return bytes + uint64(mapped), "MemStats.Sys and slabs"
}
