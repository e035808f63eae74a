// Package goroutine tells goroutines apart.
package goroutine

import (
	"bytes"
	"runtime"
	"strconv"
)

// ID returns a number that no other goroutine of the program has or will have: the one
// that is in its stack traces. It takes a microsecond or more, and is for what is rare.
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
