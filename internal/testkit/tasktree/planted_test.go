package tasktree

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A check that cannot fail proves nothing: here each thing that Run checks is wrong once. Each
// fault is found in some tree, with words that name it, and no tree fails without a fault.

// planted is a fault. plant returns the world and the options with which a tree is run. The
// bool is set when the fault has happened; some trees have no place for it.
type planted struct {
	name  string
	words string // of one of the errors
	plant func(t *testing.T, tree *Tree) (World, Options, *atomic.Bool)
}

// faulty is an allocator that calls fault in place of Deallocate, for one frame.
type faulty struct {
	arena.FrameAllocator
	n     atomic.Int64 // frames freed
	at    int64
	done  *atomic.Bool
	fault func(f *faulty, p unsafe.Pointer, size uintptr)
}

func (f *faulty) Deallocate(p unsafe.Pointer, size uintptr) {
	if f.n.Add(1) == f.at {
		f.done.Store(true)
		f.fault(f, p, size)
		return
	}
	f.FrameAllocator.Deallocate(p, size)
}

// twice is an allocator that hands a live frame out again.
type twice struct {
	arena.Heap
	last map[uintptr]unsafe.Pointer
	done *atomic.Bool
}

func (f *twice) Allocate(size uintptr) unsafe.Pointer {
	if p := f.last[size]; p != nil && !f.done.Load() {
		f.done.Store(true)
		return p
	}
	p := f.Heap.Allocate(size)
	f.last[size] = p
	return p
}

func (f *twice) Deallocate(p unsafe.Pointer, size uintptr) {
	if f.done.Load() {
		return // p may be the frame that is live twice
	}
	delete(f.last, size)
	f.Heap.Deallocate(p, size)
}

// dropping is an executor that loses one of the tasks posted to it.
type dropping struct {
	*executor.Loop
	env  *coro.Environment
	n    atomic.Int64
	at   int64
	done *atomic.Bool
}

func (d *dropping) Environment() *coro.Environment { return d.env }

func (d *dropping) Post(t coro.Runnable) error {
	if d.n.Add(1) == d.at {
		d.done.Store(true)
		return nil
	}
	return d.Loop.Post(t)
}

func sabotaged(s *sabotage) (World, Options) {
	here := newPool(2)
	o := here.Options
	o.sabotage = s
	return here, o
}

func withAllocator(f arena.FrameAllocator, check func(Totals) error) (World, Options) {
	here := newPool(2)
	o := here.Options
	o.Allocator, o.Check = f, check
	return here, o
}

var plantedFaults = []planted{
	{"a wrong result", "right is", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onValue: func(n *Node, v int64) int64 {
			if n.index == tree.Len()/2 {
				done.Store(true)
				v++
			}
			return v
		}})
		return w, o, done
	}},
	{"a wrong error", "right is", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onFailure: func(n *Node, err error) error {
			if err, ok := err.(Failure); ok {
				done.Store(true)
				return err + 1
			}
			return err
		}})
		return w, o, done
	}},
	{"a wrapped error", "ends strangely", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onFailure: func(n *Node, err error) error {
			done.Store(true)
			return errors.Join(err)
		}})
		return w, o, done
	}},
	{"a child that runs twice", "begun 2 times", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onAgain: func(n *Node) bool { return !done.Swap(true) }})
		return w, o, done
	}},
	{"a frame that is leaked", `figure "Deallocated"`, func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		counting := countingOn(new(arena.Heap))
		w, o := withAllocator(&faulty{FrameAllocator: counting.Allocator, at: 2, done: done, fault: func(*faulty, unsafe.Pointer, uintptr) {}}, counting.Check)
		return w, o, done
	}},
	{"bytes that are counted wrong", `figure "Bytes"`, func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		counting := countingOn(new(anySize))
		w, o := withAllocator(&faulty{FrameAllocator: counting.Allocator, at: 2, done: done, fault: func(f *faulty, p unsafe.Pointer, size uintptr) {
			f.FrameAllocator.Deallocate(p, size+1)
		}}, counting.Check)
		return w, o, done
	}},
	{"a frame with two tasks", "was handed out, and is live", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		// The Ledger sees the frame twice. Two tasks in one frame could do anything, so the
		// second request is refused.
		done := new(atomic.Bool)
		ledger := NewLedger(&twice{last: make(map[uintptr]unsafe.Pointer), done: done})
		w, o := withAllocator(onlyChecked{ledger, done}, func(Totals) error { return ledger.Check() })
		o.MayRefuse = true
		return w, o, done
	}},
	{"a task that is dropped", "hangs", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		loop := executor.NewLoop(quiet)
		d := &dropping{Loop: loop, at: 2 + int64(tree.Len())%5, done: done}
		d.env = coro.NewEnvironment(d, loop.Arena(), func(error) {})
		return World{Executor: d, Close: func() error { return nil }}, Options{
			Patience: sabotagedPatience,
			Drive: func(over <-chan struct{}) {
				for {
					loop.RunUntilIdle()
					select {
					case <-over:
						return
					case <-loop.Ready():
					}
				}
			},
		}, done
	}},
	{"a wake that is lost", "hangs", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onWake: func(n *Node) bool { return !done.Swap(true) }})
		o.Patience = sabotagedPatience
		w.Close = func() error { return nil } // a task still waits
		return w, o, done
	}},
	{"a lock that a cleanup keeps", "its mutex is still locked", func(_ *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onCleanup: func(n *Node) bool {
			if n.Op != Around || n.parent.meeting() != atMutex {
				return false
			}
			done.Store(true)
			return true
		}})
		return w, o, done
	}},
	{"an allocator that everybody has", "the executor's arena", func(t *testing.T, tree *Tree) (World, Options, *atomic.Bool) {
		done := new(atomic.Bool)
		w, o := sabotaged(&sabotage{onValue: func(n *Node, v int64) int64 {
			if n.index == 0 {
				done.Store(true)
				leaked.Lock()
				defer leaked.Unlock()
				leaked.frames = append(leaked.frames, leaked.from.Allocate(128))
			}
			return v
		}})
		o.Patience = sabotagedPatience
		leaked.Lock()
		defer leaked.Unlock()
		leaked.from = o.Arena
		return w, o, done
	}},
}

// leaked are the frames that tasks have allocated and not freed.
var leaked struct {
	sync.Mutex
	from   *arena.Arena
	frames []unsafe.Pointer
}

// anySize is a Heap that does not check the size of a frame that is freed.
type anySize struct{ arena.Heap }

func (a *anySize) Deallocate(p unsafe.Pointer, size uintptr) { a.Heap.Deallocate(p, size) }

// onlyChecked passes on the frames of the ledger up to the fault. It refuses the faulty frame
// and all later ones.
type onlyChecked struct {
	*Ledger
	done *atomic.Bool
}

func (o onlyChecked) Allocate(size uintptr) unsafe.Pointer {
	if o.done.Load() {
		return nil
	}
	p := o.Ledger.Allocate(size)
	if o.done.Load() {
		return nil
	}
	return p
}

// sabotagedPatience is for trees that may hang: long enough for one that does not, on a busy machine.
const sabotagedPatience = 3 * time.Second

func TestPlantedFaultsAreFound(t *testing.T) {
	for _, p := range plantedFaults {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			happened, found := 0, 0
			for seed := uint64(0); found < 3; seed++ {
				require.Less(t, seed, uint64(4000), "the fault has happened %d times and was found %d times", happened, found)
				tree := Generate(seed, 14)
				w, o, done := p.plant(t, tree)
				err := Run(context.Background(), tree, w.Executor, o)
				if !done.Load() {
					require.NoError(t, err)
					require.NoError(t, w.Close())
					continue
				}
				happened++
				if err != nil {
					require.ErrorContains(t, err, tree.String(), "the tree is there to be run again")
					require.ErrorContains(t, err, p.words)
					found++
				}
			}
		})
	}
}

// A tree that fails is reduced to the nodes that make it fail.
func TestReduce(t *testing.T) {
	bad := func(n *Node) bool { return n.Op == Fail && n.parent != nil && n.parent.Op == Recover }
	fails := func(tree *Tree) error {
		here, o := sabotaged(&sabotage{onFailure: func(n *Node, err error) error {
			if bad(n) {
				return Failure(1000)
			}
			return err
		}})
		defer func() { require.NoError(t, here.Close()) }()
		for range 3 { // the failure may depend on the schedule
			if err := Run(context.Background(), tree, here.Executor, o); err != nil {
				return err
			}
		}
		return nil
	}
	reduced := 0
	for seed := uint64(0); reduced < 5; seed++ {
		tree := Generate(seed, 40)
		if fails(tree) == nil {
			continue
		}
		small, err := Reduce(tree, fails)
		if err == nil {
			continue // it has not failed again
		}
		require.ErrorContains(t, err, "fails with 1000")
		require.Equal(t, 2, small.Len(), "%s", small)
		require.Equal(t, Recover, small.Root.Op)
		require.ErrorContains(t, fails(Decode(small.Bytes(), small.size)), "fails with 1000")
		reduced++
	}
	good := Generate(1, 10)
	same, err := Reduce(good, func(*Tree) error { return nil })
	require.NoError(t, err)
	require.Same(t, good, same)
}
