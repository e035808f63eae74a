//go:build !linux

package main

// residentMemory returns the memory of the process in bytes, of which mapped bytes are slabs.
// source names the origin of the figure.
func residentMemory(mapped uintptr) (bytes uint64, source string) {
	return accountedMemory(mapped)
}
