package arena

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A frame of 0 bytes would lie behind its own block, and so in another one; -race builds
// notice that.
func TestHeapFrameOfSizeZeroIsInItsBlock(t *testing.T) {
	h := new(Heap)
	frames := make(map[unsafe.Pointer]bool)
	for range 100 {
		p := h.Allocate(0)
		require.False(t, frames[p])
		frames[p] = true
		*(*byte)(p) = 1
	}
	header := (*heapHeader)(unsafe.Add(h.Allocate(0), -int(heapHeaderSize)))
	require.Greater(t, len(h.live[header.place-1]), int(heapHeaderSize))
	for p := range frames {
		h.Deallocate(p, 0)
	}
	require.Equal(t, 1, h.Live())
}
