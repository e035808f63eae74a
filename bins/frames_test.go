package bins_test

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

// frame is a frame of the smallest class. No list touches its bytes.
type frame [bins.MinSize]byte

const untouched = 0x6b

// frames are the frames and batches of a test. Lists hold addresses as integers, so both are
// kept reachable to the end of the test, and on the heap, where nothing moves.
type frames struct {
	all     []frame
	batches []bins.Batch
}

//go:noinline
func newFrames(t testing.TB, n, batches int) *frames {
	f := &frames{all: make([]frame, n), batches: make([]bins.Batch, batches)}
	for i := range f.all {
		for j := range f.all[i] {
			f.all[i][j] = untouched
		}
	}
	t.Cleanup(func() {
		for i := range f.all {
			for _, x := range f.all[i] {
				if x != untouched {
					t.Fatalf("frame %d was written to", i)
				}
			}
		}
		runtime.KeepAlive(f)
	})
	return f
}

// at returns the i-th frame.
func (f *frames) at(i int) unsafe.Pointer { return unsafe.Pointer(&f.all[i]) }

// index returns the number of a frame, or -1 if p is none.
func (f *frames) index(p unsafe.Pointer) int {
	offset := uintptr(p) - uintptr(f.at(0))
	if p == nil || offset%unsafe.Sizeof(frame{}) != 0 || offset/unsafe.Sizeof(frame{}) >= uintptr(len(f.all)) {
		return -1
	}
	return int(offset / unsafe.Sizeof(frame{}))
}

// batch returns the i-th batch, and puts the frames from ≤ n < to into it.
func (f *frames) batch(t testing.TB, i, from, to int) *bins.Batch {
	b := &f.batches[i]
	for n := from; n < to; n++ {
		require.True(t, b.Add(f.at(n)))
	}
	return b
}

// contents takes the numbers of the frames out of b: the one added last comes
// first.
func (f *frames) contents(b *bins.Batch) []int {
	var all []int
	for p := b.Remove(); p != nil; p = b.Remove() {
		all = append(all, f.index(p))
	}
	return all
}

// downFrom returns the numbers n-1, n-2, … to.
func downFrom(n, to int) []int {
	var all []int
	for n--; n >= to; n-- {
		all = append(all, n)
	}
	return all
}
