//go:build gc && !purego && (amd64 || 386 || arm64)

package goroutine

// Pointer returns a number that no other live goroutine has: the address of the runtime's record
// of the calling goroutine. When a goroutine has ended, another may get its number. Pointer
// reads one register or one word.
//
// It returns 0 for all goroutines where that is not possible: on other processors, with other
// compilers, and with the build tag purego.
func Pointer() uintptr
