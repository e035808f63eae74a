package bins_test

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

func TestBatchIsAStackOfItsCapacity(t *testing.T) {
	f := newFrames(t, bins.BatchCap+1, 1)
	b := &f.batches[0]
	require.Zero(t, b.Len())
	require.Nil(t, b.Remove())
	for round := range 2 {
		for i := range bins.BatchCap {
			require.Equal(t, i, b.Len())
			require.True(t, b.Add(f.at(i)))
		}
		require.False(t, b.Add(f.at(bins.BatchCap)), "round %d: a full batch takes no more", round)
		require.Equal(t, bins.BatchCap, b.Len())
		require.Equal(t, downFrom(bins.BatchCap, 0), f.contents(b))
		require.Zero(t, b.Len())
		require.Nil(t, b.Remove())
	}
}

func TestBatchLinks(t *testing.T) {
	f := newFrames(t, 1, 2)
	b, other := f.batch(t, 0, 0, 1), &f.batches[1]
	require.Nil(t, b.Next())
	b.SetNext(other)
	require.Same(t, other, b.Next())
	require.Equal(t, 1, b.Len(), "a link is none of the frames")
	b.SetNext(nil)
	require.Nil(t, b.Next())
	require.Equal(t, []int{0}, f.contents(b))
}

func TestLayout(t *testing.T) {
	require.LessOrEqual(t, unsafe.Sizeof(bins.Batch{}), uintptr(512))
	require.LessOrEqual(t, unsafe.Sizeof(bins.List{}), uintptr(1024))
	require.EqualValues(t, 128, unsafe.Sizeof(bins.Stack{}), "a pair of cache lines")
}
