package fuzz

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// What a program writes does not depend on addresses, which differ each time that it is run.
func TestAProgramWritesTheSameEachTime(t *testing.T) {
	var memory [2]uint64
	for serial := range uint64(1000) {
		var patterns [2]pattern
		for i := range memory {
			f := newFrame(1, unsafe.Pointer(&memory[i]), 1)
			f.serial = serial
			patterns[i] = f.pattern()
		}
		require.Equal(t, patterns[0], patterns[1])
	}
}
