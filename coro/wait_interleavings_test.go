//go:build framearena_explore

package coro_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// exploredExecutor is the executor of a model: workers of the model take tasks from its queue.
type exploredExecutor struct {
	run    *interleave.Run
	env    *coro.Environment
	ready  chan coro.Runnable
	closed interleave.Bool
	clock  exploredClock
	worker *coro.Worker // runs tasks while the model is set up, and those that are left

	roots []*coro.Handle[none]
	ended int // tasks that have gone on to their ends
}

var exploredArena = sync.OnceValue(func() *arena.Arena {
	a, err := arena.New()
	if err != nil {
		panic(err)
	}
	return a
})

var errExploredClosed = errors.New("closed")

func newExploredExecutor(r *interleave.Run) *exploredExecutor {
	e := &exploredExecutor{run: r, ready: make(chan coro.Runnable, 8)}
	e.env = coro.NewEnvironment(e, exploredArena(), func(err error) { r.Require(false, "%v", err) })
	e.env.SetClock(&e.clock)
	e.worker = coro.NewWorker(exploredArena())
	explored = e
	return e
}

func (e *exploredExecutor) Environment() *coro.Environment { return e.env }

func (e *exploredExecutor) Post(t coro.Runnable) error {
	if e.closed.Load() {
		return errExploredClosed
	}
	interleave.Send(e.ready, t)
	return nil
}

// settle runs what is ready, while the model is set up.
func (e *exploredExecutor) settle() {
	for len(e.ready) > 0 {
		e.worker.Run(<-e.ready)
	}
}

// work adds a thread that runs so many tasks, one after the other.
func (e *exploredExecutor) work(name string, tasks int) {
	w := coro.NewWorker(exploredArena())
	e.run.Thread(name, func() {
		for range tasks {
			w.Run(interleave.Receive(e.ready))
		}
	})
}

// workers adds two threads that run tasks until no task is ready. Then both roots must have
// ended.
func (e *exploredExecutor) workers() {
	for _, name := range []string{"worker 1", "worker 2"} {
		w := coro.NewWorker(exploredArena())
		e.run.Thread(name, func() {
			for {
				t := interleave.Receive(e.ready)
				if t == (coro.Runnable{}) {
					return
				}
				w.Run(t)
			}
		})
	}
	e.run.AtRest(func() {
		e.run.Require(e.ended == 2, "%d tasks have ended", e.ended)
		e.ready <- coro.Runnable{}
		e.ready <- coro.Runnable{}
	})
}

// end checks that all is over.
func (e *exploredExecutor) end() {
	e.run.Require(len(e.ready) == 0, "a task was woken twice")
	for _, h := range e.roots {
		s := h.State()
		e.run.Require(s == coro.HandleDone || s == coro.HandleFailed, "a root is %v", s)
	}
	e.run.Require(e.ended <= len(e.roots), "%d of %d tasks have ended", e.ended, len(e.roots))
}

// endClosed is end when the executor was closed: what was posted before is cancelled.
func (e *exploredExecutor) endClosed() {
	for len(e.ready) > 0 {
		e.worker.Cancel(<-e.ready, errExploredClosed)
	}
	e.end()
}

// exploredClock stands still. Its alarm is rung by a thread.
type exploredClock struct {
	now  time.Duration
	ring func()
}

func (c *exploredClock) Now() time.Duration { return c.now }
func (c *exploredClock) Exact() bool        { return true }
func (c *exploredClock) NewAlarm(f func()) coro.Alarm {
	c.ring = f
	return exploredAlarm{}
}

type exploredAlarm struct{}

func (exploredAlarm) Reset(time.Duration) bool { return false }
func (exploredAlarm) Stop() bool               { return false }

// explored is the executor of the model that runs; the tasks below use it.
var explored *exploredExecutor

// What tasks of models use besides.
var (
	exploredWaker coro.Waker
	exploredMutex *coro.Mutex
	exploredChan  *coro.Chan[int]
	exploredErr   error // that a task has seen
	exploredSeen  int
	exploredIn    *interleave.Int32 // tasks that have the mutex
)

var (
	suspends = coro.Define("suspends", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Suspend(f, 1, exploredWaker)
		}
		exploredErr = f.Err()
		explored.ended++
		return f.Return(none{})
	})
	sleeps = coro.Define("sleeps", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Second)
		}
		exploredErr = f.Err()
		explored.ended++
		return f.Return(none{})
	})
	locks = coro.Define("locks", func(f *coro.Frame[none, none]) coro.Step {
		switch f.At() {
		case 0:
			return exploredMutex.Lock(f, 1)
		case 1:
			n := exploredIn.Add(1)
			explored.run.Require(n == 1, "%d tasks have the mutex", n)
			return coro.Yield(f, 2)
		}
		exploredIn.Add(-1)
		exploredMutex.Unlock()
		explored.ended++
		return f.Return(none{})
	})
	sends = coro.Define("sends", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return exploredChan.Send(f, 1, 7)
		}
		exploredErr = f.Err()
		explored.ended++
		return f.Return(none{})
	})
	receives = coro.Define("receives", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return exploredChan.Recv(f, 1, &f.State)
		}
		exploredSeen = f.State
		explored.ended++
		return f.Return(none{})
	})
)

// selects waits for a value and for some time.
var selects = coro.Define("selects", func(f *coro.Frame[exploredChoice, none]) coro.Step {
	if f.At() == 0 {
		return coro.Select(f, 1, &f.State.chosen, exploredChan.RecvCase(&f.State.got), coro.After(time.Second), coro.After(time.Hour))
	}
	exploredChosen, exploredErr = f.State, f.Err()
	explored.ended++
	return f.Return(none{})
})

type exploredChoice struct{ chosen, got int }

var exploredChosen exploredChoice // what a task of selects has seen

// mustSelect starts a task of selects, and lets its time come.
func mustSelect(e *exploredExecutor) *coro.Handle[none] {
	exploredChan, exploredChosen = coro.NewChan[int](0), exploredChoice{}
	h := mustStart(e, selects.With(exploredChoice{}))
	e.settle()
	e.clock.now = 2 * time.Second
	return h
}

// endSelect is end for a model in which a task of selects has resumed. sent says that a value was.
func (e *exploredExecutor) endSelect(sent bool) {
	e.end()
	c := exploredChosen
	e.run.Require(sent == (c == exploredChoice{0, 7}) && (sent || c.got == 0), "a value was sent: %v, and the task saw %v", sent, c)
	e.run.Require((exploredErr == nil) == (c.chosen >= 0), "Err was %v, and the task saw %v", exploredErr, c)
}

func mustStart(e *exploredExecutor, call coro.Call[none]) *coro.Handle[none] {
	h, err := coro.Start(e, call)
	if err != nil {
		panic(err)
	}
	e.roots = append(e.roots, h)
	return h
}

var waitModels = []struct {
	name  string
	model func(r *interleave.Run)
	fault interleave.Fault // is noticed in it; none if it is zero
}{
	{"a task suspends as it is woken, by two", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		w := coro.NewWaker()
		exploredWaker = w
		mustStart(e, suspends.With(none{}))
		firsts := 0
		for _, name := range []string{"waker 1", "waker 2"} {
			r.Thread(name, func() {
				if w.Wake() {
					firsts++
				}
			})
		}
		w1 := coro.NewWorker(exploredArena())
		r.Thread("worker", func() {
			for e.ended == 0 {
				w1.Run(interleave.Receive(e.ready))
			}
		})
		r.End(func() {
			e.end()
			r.Require(firsts == 1, "%d calls of Wake were the first", firsts)
		})
	}, interleave.Fault{}},
	{"a task that is suspended is woken and cancelled", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		w := coro.NewWaker()
		exploredWaker = w
		h := mustStart(e, suspends.With(none{}))
		e.settle()
		first := false
		r.Thread("waker", func() { first = w.Wake() })
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		e.work("worker", 1)
		r.End(func() {
			e.end()
			r.Require(first == (exploredErr == nil), "Wake says %v, and Err was %v", first, exploredErr)
		})
	}, interleave.Fault{}},
	{"a task suspends as it is cancelled", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		exploredWaker = coro.NewWaker()
		h := mustStart(e, suspends.With(none{}))
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		w := coro.NewWorker(exploredArena())
		r.Thread("worker", func() {
			for e.ended == 0 {
				w.Run(interleave.Receive(e.ready))
			}
		})
		r.End(func() {
			e.end()
			r.Require(errors.Is(exploredErr, context.Canceled), "Err was %v", exploredErr)
		})
	}, interleave.Fault{In: "coro.(*header).enlist", Line: "s.state.Load()&scopeCancelled", Does: interleave.Blind}},
	{"a task goes to sleep as it is cancelled", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		h := mustStart(e, sleeps.With(none{}))
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		w := coro.NewWorker(exploredArena())
		r.Thread("worker", func() {
			for e.ended == 0 {
				w.Run(interleave.Receive(e.ready))
			}
		})
		r.End(func() {
			e.end()
			r.Require(errors.Is(exploredErr, context.Canceled), "Err was %v", exploredErr)
		})
	}, interleave.Fault{In: "coro.(*Worker).sleep", Line: "in.state.Load()&scopeCancelled", Does: interleave.Blind}},
	{"a value goes from a task on one worker to one on another", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		exploredChan, exploredSeen = coro.NewChan[int](0), 0
		mustStart(e, sends.With(none{}))
		h, err := coro.Start(e, receives.With(0))
		r.Require(err == nil, "%v", err)
		e.roots = append(e.roots, h)
		e.workers()
		r.End(func() {
			e.end()
			r.Require(exploredSeen == 7 && exploredErr == nil, "received %d, and Err was %v", exploredSeen, exploredErr)
		})
	}, interleave.Fault{}},
	{"a Waker comes late, to a slot that has another use", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		old := coro.NewWaker()
		exploredWaker = old
		mustStart(e, suspends.With(none{}))
		e.settle()
		old.Wake()
		e.settle()
		exploredWaker = coro.NewWaker()
		now := exploredWaker
		mustStart(e, suspends.With(none{}))
		e.settle()
		r.Thread("late", func() { r.Require(!old.Wake(), "a Waker was good for two tasks") })
		r.Thread("waker", func() { now.Wake() })
		e.work("worker", 1)
		r.End(func() { e.end() })
	}, interleave.Fault{}},
	{"a task that sleeps is cancelled as its time comes", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		h := mustStart(e, sleeps.With(none{}))
		e.settle()
		e.clock.now = 2 * time.Second
		r.Thread("alarm", func() { e.clock.ring() })
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		e.work("worker", 1)
		r.End(func() { e.end() })
	}, interleave.Fault{}},
	{"the executor is closed as a task is woken", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		w := coro.NewWaker()
		exploredWaker = w
		mustStart(e, suspends.With(none{}))
		e.settle()
		r.Thread("waker", func() { w.Wake() })
		r.Thread("closer", func() {
			e.closed.Store(true)
			e.env.Close(errExploredClosed)
			e.env.CancelWaiting(errExploredClosed)
		})
		r.End(func() { e.endClosed() })
	}, interleave.Fault{Line: "interleave.Receive(g.empty)", Does: interleave.Skipped}},
	{"the executor is closed as a task is cancelled", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		exploredWaker = coro.NewWaker()
		h := mustStart(e, suspends.With(none{}))
		e.settle()
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		r.Thread("closer", func() {
			e.closed.Store(true)
			e.env.Close(errExploredClosed)
			e.env.CancelWaiting(errExploredClosed)
		})
		r.End(func() { e.endClosed() })
	}, interleave.Fault{Line: "interleave.Receive(g.empty)", Does: interleave.Skipped}},
	{"the executor is closed as a task's time comes", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		mustStart(e, sleeps.With(none{}))
		e.settle()
		e.clock.now = 2 * time.Second
		r.Thread("alarm", func() { e.clock.ring() })
		r.Thread("closer", func() {
			e.closed.Store(true)
			e.env.Close(errExploredClosed)
			e.env.CancelWaiting(errExploredClosed)
		})
		r.End(func() { e.endClosed() })
	}, interleave.Fault{Line: "interleave.Receive(g.empty)", Does: interleave.Skipped}},
	{"a Select has a value as its time comes", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		mustSelect(e)
		sent := false
		r.Thread("alarm", func() { e.clock.ring() })
		r.Thread("sender", func() { sent = exploredChan.TrySend(7) })
		e.work("worker", 1)
		r.End(func() { e.endSelect(sent) })
	}, interleave.Fault{In: "coro.(*selection).meet", Op: "or", Does: interleave.Torn}},
	{"a Select is cancelled as its time comes", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		h := mustSelect(e)
		r.Thread("alarm", func() { e.clock.ring() })
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		e.work("worker", 1)
		r.End(func() { e.endSelect(false) })
	}, interleave.Fault{In: "coro.(*selection).meet", Op: "or", Does: interleave.Skipped}},
	{"a Select is cancelled, and has a value, as its time comes", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		h := mustSelect(e)
		sent := false
		r.Thread("alarm", func() { e.clock.ring() })
		r.Thread("canceller", func() { h.Cancel(context.Canceled) })
		r.Thread("sender", func() { sent = exploredChan.TrySend(7) })
		e.work("worker", 1)
		r.End(func() { e.endSelect(sent) })
	}, interleave.Fault{In: "coro.(*proxy).claim", Op: "compare-and-swap", Does: interleave.Torn}},
	{"the executor is closed as a Select has a value and its time comes", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		mustSelect(e)
		r.Thread("alarm", func() { e.clock.ring() })
		r.Thread("sender", func() { exploredChan.TrySend(7) })
		r.Thread("closer", func() {
			e.closed.Store(true)
			e.env.Close(errExploredClosed)
			e.env.CancelWaiting(errExploredClosed)
		})
		r.End(func() { e.endClosed() })
	}, interleave.Fault{}},
	{"a mutex goes from a task on one worker to one on another", func(r *interleave.Run) {
		e := newExploredExecutor(r)
		exploredMutex, exploredIn = new(coro.Mutex), new(interleave.Int32)
		mustStart(e, locks.With(none{}))
		mustStart(e, locks.With(none{}))
		e.workers()
		r.End(func() { e.end() })
	}, interleave.Fault{In: "coro.(*Mutex).Unlock", Op: "lock", Does: interleave.Skipped}},
}

// Each task that waits resumes once, whatever wakes it.
func TestInterleavingsOfWaits(t *testing.T) {
	for _, tt := range waitModels {
		t.Run(tt.name, func(t *testing.T) { interleave.Check(t, tt.model) })
	}
}

// A fault of what wakes tasks is noticed.
func TestInterleavingsOfWaitsBroken(t *testing.T) {
	for _, tt := range waitModels {
		if tt.fault != (interleave.Fault{}) {
			t.Run(tt.name, func(t *testing.T) { interleave.Catch(t, tt.model, interleave.Break(tt.fault)) })
		}
	}
}

// wrongWaker is a waker without a lock, with a typical mistake. The waiting thread looks whether
// it was woken, and then stores where it waits. The waking thread stores that it wakes, and then
// looks for a waiter.
type wrongWaker struct {
	woken  interleave.Bool
	waiter interleave.Pointer[chan int]
	again  bool // the waiting thread looks again
	atomic bool // the waking thread takes the waiter by one atomic operation
}

func (w *wrongWaker) wait() {
	c := make(chan int, 1)
	if w.woken.Load() {
		return
	}
	w.waiter.Store(&c)
	if w.again && w.woken.Load() && w.waiter.CompareAndSwap(&c, nil) {
		return
	}
	interleave.Receive(c)
}

func (w *wrongWaker) wake() {
	w.woken.Store(true)
	var c *chan int
	if w.atomic {
		c = w.waiter.Swap(nil)
	} else {
		c = w.waiter.Load()
	}
	if c != nil {
		interleave.Send(*c, 1)
	}
}

// Wakers that people have built are seen to be wrong: a wake-up is lost, or a task is woken
// by two.
func TestInterleavingsOfWrongWakers(t *testing.T) {
	model := func(again, atomic bool) func(r *interleave.Run) {
		return func(r *interleave.Run) {
			w := &wrongWaker{again: again, atomic: atomic}
			r.Thread("task", w.wait)
			for _, name := range []string{"waker 1", "waker 2"} {
				r.Thread(name, w.wake)
			}
		}
	}
	interleave.Check(t, model(true, true))
	interleave.Catch(t, model(false, true))
	interleave.Catch(t, model(true, false))
}
