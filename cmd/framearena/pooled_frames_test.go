package main

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/stretchr/testify/require"
)

// collecting is a chain of tasks that forces a collection at its deepest, while
// only frames refer to the frames above, and then checks their state.
type collecting struct {
	depth  uint64
	filler [6]uint64
	deeper uint64 // the sum over the tasks below
}

var collectingTask = coro.Define("collecting", func(f *coro.Frame[collecting, uint64]) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		for i := range s.filler {
			s.filler[i] = s.depth
		}
		if s.depth == 0 {
			runtime.GC()
			runtime.GC() // the second empties the pools
			return f.Return(0)
		}
		return coro.Await(f, 1, f.Kind(), collecting{depth: s.depth - 1}, &s.deeper)
	default:
		sum := s.deeper
		for _, w := range s.filler {
			sum += w
		}
		return f.Return(sum)
	}
})

// total is a root that wants the result of a chain of collectingTasks.
var total struct{ got uint64 }

var collectingRoot = coro.Define("collecting root", func(f *coro.Frame[collecting, none]) coro.Step {
	if f.At() == 0 {
		return coro.Await(f, 1, collectingTask, f.State, &f.State.deeper)
	}
	total.got = f.State.deeper
	return f.Return(none{})
})

func TestPooledFramesSurviveCollections(t *testing.T) {
	const depth = 1000
	c := newTaskChain()
	frames := newPooledFrames()
	c.takeFramesFrom(frames, frames.live)
	for range 5 {
		total.got = 0
		require.NoError(t, c.launch(collectingRoot.With(collecting{depth: depth})))
		require.NoError(t, c.err)
		require.EqualValues(t, 6*depth*(depth+1)/2, total.got)
		require.Zero(t, c.live())
	}
	require.NoError(t, c.close())
}

func TestPooledChainAmongCollections(t *testing.T) {
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	r := chainRun{contender: contender{title: "sync.Pool"}, chain: openPoolChain()}
	require.NoError(t, r.iterate(t.Context(), 3*chainStretch))
	close(stop)
	collector.Wait()
	require.NoError(t, r.chain.close())
}

func TestPooledFramesKeepApart(t *testing.T) {
	frames := newPooledFrames()
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			var mine []unsafe.Pointer
			var sizes []uintptr
			for i := range 200 {
				size := uintptr(1 + i*97%4000)
				p := frames.Allocate(size)
				require.Zero(t, uintptr(p)%16)
				bytes := unsafe.Slice((*byte)(p), size)
				for j := range bytes {
					bytes[j] = byte(worker)
				}
				mine, sizes = append(mine, p), append(sizes, size)
			}
			for i, p := range mine {
				for _, b := range unsafe.Slice((*byte)(p), sizes[i]) {
					if b != byte(worker) {
						t.Error("frames overlap")
						return
					}
				}
				frames.Deallocate(p, sizes[i])
			}
		})
	}
	workers.Wait()
	require.Zero(t, frames.live())
}

func TestPooledFramesRefuseWhatNoClassFits(t *testing.T) {
	frames := newPooledFrames()
	p := frames.Allocate(bins.MaxSize)
	require.NotNil(t, p)
	frames.Deallocate(p, bins.MaxSize)
	require.Nil(t, frames.Allocate(bins.MaxSize+1))
	require.Zero(t, frames.live())
}
