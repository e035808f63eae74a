// Package goroutine returns numbers that identify goroutines.
package goroutine

import (
	"bytes"
	"runtime"
	"strconv"
)

// ID returns the number of the calling goroutine, which no other goroutine of the program has
// or will have: the number in its stack traces. It takes a microsecond or more, since it
// formats a stack trace, so it is for rare calls only.
func ID() uint64 {
	var buf [64]byte
	text := buf[:runtime.Stack(buf[:], false)]
	text = bytes.TrimPrefix(text, []byte("goroutine "))
	number, _, _ := bytes.Cut(text, []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		panic("goroutine: this version of Go begins stack traces in another way: " + string(buf[:]))
	}
	return id
}
