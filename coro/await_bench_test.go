package coro_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
)

// freeList is what a user's own allocator for one goroutine may look like.
type freeList struct {
	next arena.FrameAllocator
	free [bins.Classes][]unsafe.Pointer
}

func (l *freeList) Allocate(size uintptr) unsafe.Pointer {
	k := bins.ClassOf(size)
	if n := len(l.free[k]); n > 0 {
		p := l.free[k][n-1]
		l.free[k] = l.free[k][:n-1]
		return p
	}
	return l.next.Allocate(k.Size())
}

func (l *freeList) Deallocate(p unsafe.Pointer, size uintptr) {
	k := bins.ClassOf(size)
	l.free[k] = append(l.free[k], p)
}

// release gives all free frames back.
func (l *freeList) release() {
	for k, frames := range l.free {
		for _, p := range frames {
			l.next.Deallocate(p, bins.Class(k).Size())
		}
		l.free[k] = nil
	}
}

func BenchmarkChain(b *testing.B) {
	ex := newInline(b)
	own := &freeList{next: ex.Arena()}
	b.Cleanup(own.release)
	for _, bm := range []struct {
		name string
		loop *coro.Kind[workloads.Repeat, none]
		opts []coro.LaunchOption
	}{
		{"cache", workloads.Chain, nil},
		{"elided where it fits", workloads.ElidedChain, nil},
		{"elided", workloads.ElidedChain, []coro.LaunchOption{coro.RootFrameSize(workloads.ElidedChainSize())}},
		{"shared arena", workloads.Chain, []coro.LaunchOption{coro.Allocator(ex.Arena())}},
		{"counting", workloads.Chain, []coro.LaunchOption{coro.Allocator(arena.NewCounting(ex.Arena()))}},
		{"own free list", workloads.Chain, []coro.LaunchOption{coro.Allocator(own)}},
		{"heap", workloads.Chain, []coro.LaunchOption{coro.Allocator(new(arena.Heap))}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			run := func(iterations int) {
				if err := coro.RunAsync(ex, bm.opts...)(bm.loop.With(workloads.Repeat{Left: iterations})); err != nil {
					b.Error(err)
				}
			}
			run(100)
			before := workloads.ChainLeaves.Load()
			b.ResetTimer()
			run(b.N)
			b.StopTimer()
			require.Equal(b, uint64(b.N)*workloads.LeavesPerIteration, workloads.ChainLeaves.Load()-before)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/workloads.FramesPerIteration, "ns/frame")
		})
	}
}
