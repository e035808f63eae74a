//go:build gc && !purego && (amd64 || 386 || arm64)

package goroutine

// Pointer returns a number that no other goroutine has that runs now: where the runtime
// keeps its record of it. When a goroutine has ended, another may get its number. Pointer
// takes a nanosecond.
//
// It is 0 for all goroutines where that is not known: with other processors and compilers,
// and with the build tag purego.
func Pointer() uintptr
