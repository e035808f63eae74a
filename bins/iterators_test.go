package bins_test

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

// collected returns what an iterator over frames yields, up to most of them.
func collected(frames func(func(unsafe.Pointer) bool), most int) (all []unsafe.Pointer) {
	for p := range frames {
		if all = append(all, p); len(all) == most {
			break
		}
	}
	return all
}

func TestWalkingFrames(t *testing.T) {
	memory := make([]byte, 5*bins.MinSize)
	var frames []unsafe.Pointer
	for i := range 5 {
		frames = append(frames, unsafe.Pointer(&memory[i*bins.MinSize]))
	}
	b, l := new(bins.Batch), new(bins.List)
	l.Open(bins.ListCap)
	require.Empty(t, collected(b.Frames, 9))
	require.Empty(t, collected(l.Frames, 9))
	for i, p := range frames {
		require.True(t, b.Add(p))
		require.True(t, l.Push(p))
		require.Equal(t, frames[:i+1], collected(b.Frames, 9))
		require.Equal(t, frames[:i+1], collected(l.Frames, 9), "the last one, which waits apart, too")
		for most := range i {
			require.Equal(t, frames[:most+1], collected(b.Frames, most+1))
			require.Equal(t, frames[:most+1], collected(l.Frames, most+1))
		}
	}
}

func TestWalkingBatches(t *testing.T) {
	var s bins.Stack
	batches := [3]*bins.Batch{new(bins.Batch), new(bins.Batch), new(bins.Batch)}
	for _, b := range batches {
		s.Push(b)
	}
	var all []*bins.Batch
	for b := range s.Batches {
		all = append(all, b)
	}
	require.Equal(t, []*bins.Batch{batches[2], batches[1], batches[0]}, all)
	for b := range s.Batches {
		require.Same(t, batches[2], b)
		break
	}
	require.Same(t, batches[2], s.TakeAll())
}

func TestAColdBatchIsWarmOnceItIsUsed(t *testing.T) {
	frame := make([]byte, bins.MinSize)
	for _, n := range []int{0, 1} {
		b, l := new(bins.Batch), new(bins.List)
		l.Open(bins.ListCap)
		require.False(t, b.Cold())
		if n == 1 {
			require.True(t, b.Add(unsafe.Pointer(&frame[0])))
		}
		b.SetCold(true)
		require.True(t, b.Cold())
		l.Fill(b)
		require.False(t, b.Cold())
		require.Equal(t, n, l.Len())
	}
}
