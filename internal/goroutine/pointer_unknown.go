//go:build !gc || purego || !(amd64 || 386 || arm64)

package goroutine

// Pointer returns 0: see the other file.
func Pointer() uintptr { return 0 }
