package fuzz

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A write reaches each byte of a frame, and damage finds a change of any byte.
func TestContents(t *testing.T) {
	for _, size := range []uintptr{0, 1, 7, 8, 9, 100, chunk - 1, chunk, chunk + 1, 3*chunk + 5} {
		memory := make([]byte, size+16)
		f := newFrame(1, unsafe.Pointer(&memory[0]), size)
		f.write(1)
		require.Equal(t, -1, f.damage())
		require.Equal(t, make([]byte, 16), memory[size:], "behind the frame")
		before := slices.Clone(memory)
		f.write(2)
		require.Equal(t, -1, f.damage())
		if size >= 8 {
			require.NotEqual(t, before, memory)
		}
		for i := range size {
			memory[i] ^= 0x10
			require.EqualValues(t, i, f.damage())
			memory[i] ^= 0x10
		}
		clear(memory)
		require.Equal(t, -1, f.firstNonZero())
		if size > 0 {
			memory[size-1] = 1
			require.EqualValues(t, size-1, f.firstNonZero())
		}
	}
}
