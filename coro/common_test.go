package coro_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// none is the state or the result of tasks that have none.
type none = struct{}

// closer is an executor that the test closes.
type closer interface {
	coro.Executor
	Close() error
}

// makers make the executors that run tasks on their own.
var makers = []struct {
	name string
	make func(executor.BaseOption, executor.Option) closer
}{
	{"Inline", func(a executor.BaseOption, h executor.Option) closer { return executor.NewInline(a, h) }},
	{"Pool", func(a executor.BaseOption, h executor.Option) closer { return executor.NewPool(a, h) }},
}

// onProcs calls f with GOMAXPROCS set to 1, 2 and 8.
func onProcs(f func()) {
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			f()
		}()
	}
}

// newInline returns an Inline that must have no live frame when the test ends.
func newInline(t testing.TB, opts ...executor.InlineOption) *executor.Inline {
	ex := executor.NewInline(opts...)
	t.Cleanup(func() { require.NoError(t, ex.Close()) })
	return ex
}

// newPool returns a Pool that must have no live frame when the test ends.
func newPool(t testing.TB, opts ...executor.PoolOption) *executor.Pool {
	ex := executor.NewPool(opts...)
	t.Cleanup(func() { require.NoError(t, ex.Close()) })
	return ex
}

// newArena returns an arena that must have no live frame when the test ends.
func newArena(t testing.TB, opts ...arena.Option) *arena.Arena {
	a, err := arena.New(opts...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.Close()) })
	return a
}

// liveIn returns the number of live frames of a.
func liveIn(a *arena.Arena) int {
	s := a.Stats()
	return int(s.Total.Live) + s.Large
}

// recorder is a FrameAllocator for one tree of tasks whose parents await one child
// at a time: then the frame that is freed is always the youngest. What goes wrong
// is kept as a fault, since steps run on any goroutine.
type recorder struct {
	next arena.FrameAllocator

	mu    sync.Mutex // guards what follows
	live  []span     // from the oldest to the youngest
	sizes []uintptr  // of all frames handed out
	fault string     // the first one
}

type span struct {
	p    unsafe.Pointer
	size uintptr
}

func newRecorder(next arena.FrameAllocator) *recorder { return &recorder{next: next} }

func (r *recorder) Allocate(size uintptr) unsafe.Pointer {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.next.Allocate(size)
	if p != nil {
		r.live = append(r.live, span{p, size})
		r.sizes = append(r.sizes, size)
	}
	return p
}

func (r *recorder) Deallocate(p unsafe.Pointer, size uintptr) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.live) - 1
	switch {
	case n < 0 || r.live[n].p != p:
		r.fail("frame %p of %d bytes freed, not the youngest of %v", p, size, r.live)
		return
	case r.live[n].size != size:
		r.fail("frame of %d bytes freed as one of %d", r.live[n].size, size)
	}
	r.live = r.live[:n]
	r.next.Deallocate(p, size)
}

func (r *recorder) fail(format string, args ...any) {
	if r.fault == "" {
		r.fault = fmt.Sprintf(format, args...)
	}
}

// has reports whether p is a live frame of r.
func (r *recorder) has(p unsafe.Pointer) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.live {
		if s.p == p {
			return true
		}
	}
	return false
}

// requireDone checks that r handed out frames of just the given sizes, in this
// order, and got them all back in the right order with the right size.
func (r *recorder) requireDone(t *testing.T, sizes ...uintptr) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.Empty(t, r.fault)
	require.Empty(t, r.live, "live frames")
	require.Equal(t, fmt.Sprint(sizes), fmt.Sprint(r.sizes))
}

// limited is a FrameAllocator that hands out so many frames and then refuses.
type limited struct {
	next arena.FrameAllocator
	left atomic.Int64
}

func newLimited(next arena.FrameAllocator, frames int64) *limited {
	l := &limited{next: next}
	l.left.Store(frames)
	return l
}

func (l *limited) Allocate(size uintptr) unsafe.Pointer {
	if l.left.Add(-1) < 0 {
		return nil
	}
	return l.next.Allocate(size)
}

func (l *limited) Deallocate(p unsafe.Pointer, size uintptr) { l.next.Deallocate(p, size) }

// stepwise is an executor that runs what it was given when the test says so.
type stepwise struct {
	env    *coro.Environment
	arena  *arena.Arena
	worker *coro.Worker
	refuse error // what Post returns, if not nil

	mu    sync.Mutex // the end of a context posts on a goroutine of its own
	queue coro.RunQueue
}

// newStepwise returns a stepwise that must have no live frame when the test ends.
func newStepwise(t testing.TB, handler func(error)) *stepwise {
	e := new(stepwise)
	e.arena = newArena(t)
	e.env = coro.NewEnvironment(e, e.arena, handler)
	e.worker = coro.NewWorker(e.arena)
	t.Cleanup(e.worker.Close)
	return e
}

func (e *stepwise) Environment() *coro.Environment { return e.env }

func (e *stepwise) Post(t coro.Runnable) error {
	if e.refuse != nil {
		return e.refuse
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue.Push(t)
	return nil
}

// pop takes the next task.
func (e *stepwise) pop() (coro.Runnable, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queue.Pop()
}

// runOne runs the next task until it ends or yields.
func (e *stepwise) runOne() bool {
	t, ok := e.pop()
	if ok {
		e.worker.Run(t)
	}
	return ok
}

// runAll runs tasks until there is none left.
func (e *stepwise) runAll() {
	for e.runOne() {
	}
}

// cancelAll cancels all queued tasks with err.
func (e *stepwise) cancelAll(err error) {
	for {
		t, ok := e.pop()
		if !ok {
			return
		}
		e.worker.Cancel(t, err)
	}
}
