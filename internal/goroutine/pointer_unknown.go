//go:build !gc || purego || !(amd64 || 386 || arm64)

package goroutine

// Pointer returns 0: see pointer.go.
func Pointer() uintptr { return 0 }
