//go:build !linux

package main

// residentMemory returns the memory that the process has, of which mapped bytes
// are slabs, and where the figure is from.
func residentMemory(mapped uintptr) (bytes uint64, source string) {
	return accountedMemory(mapped)
}
