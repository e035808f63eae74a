package coro_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// ending is how the leaves of a family end.
type ending int

const (
	returns ending = iota
	fails
	panics
	waits // until the context has ended or the executor is closed
)

// family is three generations of tasks: a root, which awaits two parents, which
// await two leaves each. Frames of each generation are of another size. Leaves
// yield a few times, so that trees take turns.
type family struct {
	seen  func(tree int, frame unsafe.Pointer) // called in every step
	began sync.WaitGroup                       // trees
	ended sync.WaitGroup                       // trees; not those that are cancelled

	root   *coro.Kind[familyRoot, int]
	parent *coro.Kind[familyParent, int]
	leaf   *coro.Kind[familyLeaf, int]
}

type familyRoot struct {
	tree        int
	ending      ending
	sum, result int
}

type familyParent struct {
	familyRoot
	_ [300]byte
}

type familyLeaf struct {
	tree   int
	ending ending
	_      [70_000]byte // no class fits
}

func newFamily(trees int, seen func(tree int, frame unsafe.Pointer)) *family {
	m := &family{seen: seen}
	m.began.Add(trees)
	m.ended.Add(trees)
	m.root = coro.Define("root", func(f *coro.Frame[familyRoot, int]) coro.Step {
		s := &f.State
		m.seen(s.tree, unsafe.Pointer(f))
		if f.At() == 0 {
			m.began.Done()
		}
		s.sum += s.result
		switch {
		case f.Err() != nil:
			m.ended.Done()
			return f.Fail(f.Err())
		case f.At() == 2:
			m.ended.Done()
			return f.Return(s.sum)
		default:
			return coro.Await(f, f.At()+1, m.parent, familyParent{familyRoot: familyRoot{tree: s.tree, ending: s.ending}}, &s.result)
		}
	})
	m.parent = coro.Define("parent", func(f *coro.Frame[familyParent, int]) coro.Step {
		s := &f.State
		m.seen(s.tree, unsafe.Pointer(f))
		s.sum += s.result
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 2:
			return f.Return(s.sum)
		default:
			return coro.Await(f, f.At()+1, m.leaf, familyLeaf{tree: s.tree, ending: s.ending}, &s.result)
		}
	})
	m.leaf = coro.Define("leaf", func(f *coro.Frame[familyLeaf, int]) coro.Step {
		s := &f.State
		m.seen(s.tree, unsafe.Pointer(f))
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case s.ending == waits || f.At() < 3:
			return coro.Yield(f, min(f.At()+1, 3))
		case s.ending == fails:
			return f.Fail(errLeaf)
		case s.ending == panics:
			panic(errLeaf)
		default:
			return f.Return(1)
		}
	})
	return m
}

// frameSizes returns the sizes of a tree's frames, in the order of their making.
func (m *family) frameSizes(ending ending) []uintptr {
	r, p, l := m.root.FrameSize(), m.parent.FrameSize(), m.leaf.FrameSize()
	if ending == returns {
		return []uintptr{r, p, l, l, p, l, l}
	}
	return []uintptr{r, p, l}
}

// Many trees at once on one executor, most with an allocator of their own, some
// with none.
func TestAnAllocatorServesItsTreeAndNoOther(t *testing.T) {
	const trees = 24
	tests := []struct {
		name   string
		ending ending
		err    error // what roots end with
	}{
		{"return", returns, nil},
		{"error", fails, errLeaf},
		{"panic", panics, errLeaf},
		{"context", waits, context.Canceled},
		{"close", waits, executor.ErrClosed},
	}
	for _, tt := range tests {
		for _, workers := range []int{1, 4} {
			t.Run(fmt.Sprintf("%s, %d workers", tt.name, workers), func(t *testing.T) {
				shared := newArena(t)
				ex := executor.NewPool(executor.WithWorkers(workers), executor.WithArena(shared))
				defer ex.Close()

				var recorders [trees]*recorder // nil: no allocator of its own
				for i := range recorders {
					switch i % 4 {
					case 1:
						recorders[i] = newRecorder(new(arena.Heap))
					case 2, 3:
						recorders[i] = newRecorder(shared)
					}
				}
				var strangers atomic.Int64 // frames from the wrong allocator
				m := newFamily(trees, func(tree int, frame unsafe.Pointer) {
					for i, r := range recorders {
						if r != nil && r.has(frame) != (i == tree) {
							strangers.Add(1)
						}
					}
				})
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				var mu sync.Mutex
				var errs []error
				onError := coro.OnError(func(err error) {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				})
				for i, r := range recorders {
					opts := []coro.LaunchOption{coro.Context(ctx), onError}
					if r != nil {
						opts = append(opts, coro.Allocator(r))
					}
					require.NoError(t, coro.RunAsync(ex, opts...)(m.root.With(familyRoot{tree: i, ending: tt.ending})))
				}
				m.began.Wait()
				if tt.err == context.Canceled {
					cancel()
				}
				if tt.err != executor.ErrClosed {
					m.ended.Wait()
				}
				require.NoError(t, ex.Close())

				require.Zero(t, strangers.Load())
				require.Zero(t, liveIn(shared))
				for i, r := range recorders {
					if r == nil {
						continue
					}
					if tt.err == executor.ErrClosed && len(r.sizes) < 3 { // closed on the way down
						r.requireDone(t, m.frameSizes(tt.ending)[:len(r.sizes)]...)
						continue
					}
					r.requireDone(t, m.frameSizes(tt.ending)...)
					if h, ok := r.next.(*arena.Heap); ok {
						require.Zero(t, h.Live(), "tree %d", i)
					}
				}
				if tt.err == nil {
					require.Empty(t, errs)
					return
				}
				require.Len(t, errs, trees)
				for _, err := range errs {
					require.ErrorIs(t, err, tt.err)
				}
			})
		}
	}
}

// A fault of designs that keep the allocator in the thread: a step runs a part of
// another chain, whose allocator is then still set when the step awaits.
func TestAnAllocatorDoesNotLeakIntoAnotherChain(t *testing.T) {
	outer := newStepwise(t, nil)
	inner := newStepwise(t, nil) // another executor, run by hand inside of steps
	outerFrames, innerFrames := newRecorder(outer.arena), newRecorder(inner.arena)

	leaf := coro.Define("leaf", func(f *coro.Frame[[200]byte, none]) coro.Step {
		inner.runOne()
		return f.Return(none{})
	})
	guest := coro.Define("guest", func(f *coro.Frame[int, none]) coro.Step {
		switch {
		case f.State == 0:
			return f.Return(none{})
		case f.At() == 0:
			return coro.Yield(f, 1) // stops in the middle, with its allocator in force
		default:
			f.State--
			return coro.Await(f, 0, f.Kind(), 0, nil)
		}
	})
	host := coro.Define("host", func(f *coro.Frame[int, none]) coro.Step {
		if f.State == 0 {
			return f.Return(none{})
		}
		f.State--
		inner.runOne()
		step := coro.Await(f, 0, leaf, [200]byte{}, nil)
		inner.runOne() // between the making of the child and its first step
		return step
	})
	require.NoError(t, coro.RunAsync(inner, coro.Allocator(innerFrames))(guest.With(5)))
	require.NoError(t, coro.RunAsync(outer, coro.Allocator(outerFrames))(host.With(4)))
	outer.runAll()
	inner.runAll()

	h, l, g := host.FrameSize(), leaf.FrameSize(), guest.FrameSize()
	outerFrames.requireDone(t, h, l, l, l, l)
	innerFrames.requireDone(t, g, g, g, g, g, g)
}

// The same with chains of one executor, launched by a step that then awaits.
func TestAStepLaunchesWithAnotherAllocatorAndAwaits(t *testing.T) {
	ex := newInline(t)
	mine, other := newRecorder(ex.Arena()), newRecorder(new(arena.Heap))
	leaf := coro.Define("leaf", func(f *coro.Frame[[200]byte, none]) coro.Step { return f.Return(none{}) })
	guest := coro.Define("guest", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, [200]byte{}, nil)
		}
		return f.Return(none{})
	})
	host := coro.Define("host", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 1 {
			return f.Return(none{})
		}
		if err := coro.RunAsync(ex, coro.Allocator(other))(guest.With(none{})); err != nil {
			return f.Fail(err)
		}
		if err := coro.Go(ex, guest, none{}); err != nil {
			return f.Fail(err)
		}
		return coro.Await(f, 1, leaf, [200]byte{}, nil)
	})
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(mine))(host.With(none{})))
	mine.requireDone(t, host.FrameSize(), leaf.FrameSize())
	other.requireDone(t, guest.FrameSize(), leaf.FrameSize())
	require.Zero(t, liveIn(ex.Arena()))
}

// Another fault of such designs: an allocator that is left behind in the thread
// after its executor and arena are gone.
func TestAnAllocatorIsNotUsedAfterItsExecutor(t *testing.T) {
	stays := newInline(t)
	for range 3 {
		a, err := arena.New()
		require.NoError(t, err)
		goes := executor.NewInline(executor.WithArena(a))
		counting := arena.NewCounting(a)
		for range 10 {
			_, err = coro.Run(context.Background(), goes, generations.With(struct{ deeper, result int }{deeper: 9}))
			require.NoError(t, err)
			require.NoError(t, coro.RunAsync(goes, coro.Allocator(counting))(generations.With(struct{ deeper, result int }{deeper: 9})))
			_, err = coro.Run(context.Background(), stays, generations.With(struct{ deeper, result int }{deeper: 9}))
			require.NoError(t, err)
		}
		require.NoError(t, goes.Close())
		require.NoError(t, a.Close())
		require.Zero(t, counting.Stats().Bytes)

		// An arena that was closed panics when it is used: this would tell.
		_, err = coro.Run(context.Background(), stays, generations.With(struct{ deeper, result int }{deeper: 9}))
		require.NoError(t, err)
		require.NoError(t, coro.RunAsync(stays, coro.Allocator(stays.Arena()))(generations.With(struct{ deeper, result int }{deeper: 9})))
	}
}

// A later option wins, as everywhere.
func TestTheLastOptionOfAKindWins(t *testing.T) {
	ex := newInline(t)
	first, last := newRecorder(ex.Arena()), newRecorder(ex.Arena())
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	require.NoError(t, coro.RunAsync(ex, coro.Allocator(first), coro.Allocator(last))(k.With(none{})))
	first.requireDone(t)
	last.requireDone(t, k.FrameSize())
}
