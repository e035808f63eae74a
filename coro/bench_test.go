package coro_test

import (
	"context"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
)

// The chain is the benchmark of the seed's project, as cmd/framearena runs it:
// 66 frames an iteration, and an atomic counter in the leaf.
const (
	leavesPerIteration = 5 * 3 * 3
	framesPerIteration = 1 + 5 + 5*3 + leavesPerIteration
)

var leaves atomic.Uint64

// repeat is the state of a task that awaits the same thing left more times.
type repeat struct{ left int }

var (
	benchLoop = coro.Define("bench loop", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth1, repeat{5}, nil)
	}, coro.NeverElided())

	depth1 = coro.Define("depth 1", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth2, repeat{3}, nil)
	}, coro.NeverElided())

	depth2 = coro.Define("depth 2", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth3, repeat{3}, nil)
	}, coro.NeverElided())

	depth3 = coro.Define("depth 3", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, depth4, none{}, nil)
	}, coro.NeverElided())

	depth4 = coro.Define("depth 4", func(f *coro.Frame[none, none]) coro.Step {
		leaves.Add(1)
		return f.Return(none{})
	}, coro.NeverElided())
)

// The same kinds, elided where they fit.
var (
	elidedLoop = coro.Define("elided loop", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided1, repeat{5}, nil)
	})

	elided1 = coro.Define("elided depth 1", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided2, repeat{3}, nil)
	})

	elided2 = coro.Define("elided depth 2", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided3, repeat{3}, nil)
	})

	elided3 = coro.Define("elided depth 3", func(f *coro.Frame[repeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.left == 0 {
			return f.Return(none{})
		}
		f.State.left--
		return coro.Await(f, 0, elided4, none{}, nil)
	})

	elided4 = coro.Define("elided depth 4", func(f *coro.Frame[none, none]) coro.Step {
		leaves.Add(1)
		return f.Return(none{})
	})
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
	whole := coro.ChainSize(elidedLoop, elided1, elided2, elided3, elided4)
	for _, bm := range []struct {
		name string
		loop *coro.Kind[repeat, none]
		opts []coro.LaunchOption
	}{
		{"cache", benchLoop, nil},
		{"elided where it fits", elidedLoop, nil},
		{"elided", elidedLoop, []coro.LaunchOption{coro.RootFrameSize(whole)}},
		{"shared arena", benchLoop, []coro.LaunchOption{coro.Allocator(ex.Arena())}},
		{"counting", benchLoop, []coro.LaunchOption{coro.Allocator(arena.NewCounting(ex.Arena()))}},
		{"own free list", benchLoop, []coro.LaunchOption{coro.Allocator(own)}},
		{"heap", benchLoop, []coro.LaunchOption{coro.Allocator(new(arena.Heap))}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			run := func(iterations int) {
				if err := coro.RunAsync(ex, bm.opts...)(bm.loop.With(repeat{iterations})); err != nil {
					b.Error(err)
				}
			}
			run(100)
			before := leaves.Load()
			b.ResetTimer()
			run(b.N)
			b.StopTimer()
			require.Equal(b, uint64(b.N)*leavesPerIteration, leaves.Load()-before)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/framesPerIteration, "ns/frame")
		})
	}
}

// A task is launched, runs and ends.
func BenchmarkGo(b *testing.B) {
	ex := newInline(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := coro.Go(ex, depth4, none{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRunAsync(b *testing.B) {
	ex := newInline(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := coro.RunAsync(ex)(depth4.With(none{})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRunAsyncWithAllocator(b *testing.B) {
	ex := newInline(b)
	opt := coro.Allocator(ex.Arena())
	b.ReportAllocs()
	for b.Loop() {
		if err := coro.RunAsync(ex, opt)(depth4.With(none{})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	ex := newInline(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := coro.Run(ctx, ex, depth4.With(none{})); err != nil {
			b.Fatal(err)
		}
	}
}

var yielding = coro.Define("yielding", func(f *coro.Frame[repeat, none]) coro.Step {
	if f.State.left == 0 {
		return f.Return(none{})
	}
	f.State.left--
	return coro.Yield(f, 0)
})

// A task goes through the queue once an iteration.
func BenchmarkYield(b *testing.B) {
	ex := newInline(b)
	b.ReportAllocs()
	if err := coro.Go(ex, yielding, repeat{b.N}); err != nil {
		b.Fatal(err)
	}
}
