package coro_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// scaled is n, or less where everything takes longer.
func scaled(n int) int {
	if testing.Short() || race.Enabled {
		return max(1, n/10)
	}
	return n
}

// manual is an executor that runs what it was given when the test says so. Tasks
// may be posted from any goroutine.
type manual struct {
	env    *coro.Environment
	arena  *arena.Arena
	worker *coro.Worker

	mu     sync.Mutex // guards what follows
	posted sync.Cond
	queue  coro.RunQueue
	refuse error // what Post returns, if not nil
}

// newManual returns a manual that must have no live frame when the test ends.
func newManual(t testing.TB, handler func(error)) *manual {
	e := new(manual)
	e.posted.L = &e.mu
	e.arena = newArena(t)
	e.env = coro.NewEnvironment(e, e.arena, handler)
	e.worker = coro.NewWorker(e.arena)
	t.Cleanup(e.worker.Close)
	return e
}

func (e *manual) Environment() *coro.Environment { return e.env }

func (e *manual) Post(t coro.Runnable) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		return e.refuse
	}
	e.queue.Push(t)
	e.posted.Broadcast()
	return nil
}

// pop takes the next task.
func (e *manual) pop() (coro.Runnable, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.queue.Pop()
}

func (e *manual) setRefuse(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refuse = err
}

// await waits until n tasks are in the queue.
func (e *manual) await(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.queue.Len() < n {
		e.posted.Wait()
	}
}

// runAll runs tasks until there is none left, and returns how often it did.
func (e *manual) runAll() int {
	for n := 0; ; n++ {
		e.mu.Lock()
		t, ok := e.queue.Pop()
		e.mu.Unlock()
		if !ok {
			return n
		}
		e.worker.Run(t)
	}
}

// operation is what a task may have to wait for.
type operation func(f coro.AnyFrame, at int) coro.Step

// operations is all of them. block returns an operation that has to wait, a function wake that
// makes one task that waits in it resume, and a function left, which checks that what was not
// given to a task is there for another task. forgets reports that wake has no effect if no
// task waits.
var operations = []struct {
	name  string
	block func() (op operation, wake func(), left func() bool)

	forgets bool
}{
	{"Mutex.Lock", func() (operation, func(), func() bool) {
		m := new(coro.Mutex)
		m.TryLock()
		return m.Lock, m.Unlock, m.TryLock
	}, false},
	{"Event.Wait", func() (operation, func(), func() bool) {
		e := new(coro.Event)
		return e.Wait, e.Set, e.IsSet
	}, false},
	{"WaitGroup.Wait", func() (operation, func(), func() bool) {
		l := new(coro.WaitGroup)
		l.Add(1)
		return l.Wait, l.Done, func() bool { return true }
	}, false},
	{"Semaphore.Acquire", func() (operation, func(), func() bool) {
		s := coro.NewSemaphore(5)
		s.TryAcquire(5)
		return func(f coro.AnyFrame, at int) coro.Step { return s.Acquire(f, at, 3) },
			func() { s.Release(3) },
			func() bool { return s.TryAcquire(3) }
	}, false},
	{"Chan.Recv", func() (operation, func(), func() bool) {
		c := coro.NewChan[int](1)
		return func(f coro.AnyFrame, at int) coro.Step { return c.Recv(f, at, nil) },
			func() { c.TrySend(7) },
			func() bool { return c.Len() == 1 }
	}, false},
	{"Chan.Send, full", func() (operation, func(), func() bool) {
		c := coro.NewChan[int](1)
		c.TrySend(1)
		return func(f coro.AnyFrame, at int) coro.Step { return c.Send(f, at, 2) },
			func() { c.TryRecv() },
			func() bool { return c.Len() == 0 }
	}, false},
	{"Chan.Send, unbuffered", func() (operation, func(), func() bool) {
		c := coro.NewChan[int](0)
		return func(f coro.AnyFrame, at int) coro.Step { return c.Send(f, at, 2) },
			func() { c.TryRecv() },
			func() bool { _, ok := c.TryRecv(); return !ok }
	}, true},
	{"Suspend", func() (operation, func(), func() bool) {
		w := coro.NewWaker()
		return func(f coro.AnyFrame, at int) coro.Step { return coro.Suspend(f, at, w) },
			func() { w.Wake() },
			func() bool { return !w.Wake() }
	}, false},
	{"Cond.Wait", func() (operation, func(), func() bool) {
		m := new(coro.Mutex)
		c := coro.NewCond(m)
		return func(f coro.AnyFrame, at int) coro.Step {
				m.TryLock()
				return c.Wait(f, at)
			}, c.Signal,
			m.TryLock
	}, true},
	{"Cond.Wait, for the Mutex", func() (operation, func(), func() bool) {
		m := new(coro.Mutex)
		c := coro.NewCond(m)
		locked := false
		return func(f coro.AnyFrame, at int) coro.Step {
				for !m.TryLock() { // the waker may have it for a moment
					runtime.Gosched()
				}
				return c.Wait(f, at)
			}, func() {
				locked = locked || m.TryLock()
				c.Signal()
				if locked {
					locked = false
					m.Unlock()
				}
			},
			m.TryLock
	}, true},
	{"Select, Recv", func() (operation, func(), func() bool) {
		c := coro.NewChan[int](1)
		return func(f coro.AnyFrame, at int) coro.Step {
				return coro.Select(f, at, nil, c.RecvCase(nil), never.WaitCase())
			},
			func() { c.TrySend(7) },
			func() bool { return c.Len() == 1 }
	}, false},
	{"Select, Send", func() (operation, func(), func() bool) {
		c := coro.NewChan[string](0)
		return func(f coro.AnyFrame, at int) coro.Step {
				return coro.Select(f, at, nil, never.WaitCase(), coro.Case{}, c.SendCase("x"))
			},
			func() { c.TryRecv() },
			func() bool { _, ok := c.TryRecv(); return !ok && c.Len() == 0 }
	}, true},
	{"Select, Event", func() (operation, func(), func() bool) {
		e := new(coro.Event)
		return func(f coro.AnyFrame, at int) coro.Step {
				return coro.Select(f, at, nil, never.WaitCase(), e.WaitCase())
			}, e.Set,
			e.IsSet
	}, false},
	{"Select, WaitGroup", func() (operation, func(), func() bool) {
		l := new(coro.WaitGroup)
		l.Add(1)
		return func(f coro.AnyFrame, at int) coro.Step { return coro.Select(f, at, nil, l.WaitCase()) }, l.Done,
			func() bool { return true }
	}, false},
	{"Select, Waker", func() (operation, func(), func() bool) {
		w := coro.NewWaker()
		return func(f coro.AnyFrame, at int) coro.Step {
				return coro.Select(f, at, nil, w.WaitCase(), never.WaitCase(), w.WaitCase())
			},
			func() { w.Wake() },
			func() bool { return !w.Wake() }
	}, false},
}

// never is an Event that is never set.
var never coro.Event

// forOneTask says that no two tasks can do the operation at the same time.
func forOneTask(name string) bool { return name == "Suspend" || name == "Select, Waker" }

// framesOf returns how much memory from the arena a task has that does the operation.
func framesOf(name string) int {
	if strings.HasPrefix(name, "Select") {
		return 2
	}
	return 1
}

// waiting returns a kind whose tasks have a child that does op. What Err returns then is given to
// seen, and the task fails with it.
func waiting(op operation, seen func(error)) *coro.Kind[int, int] {
	leaf := coro.Define("leaf", func(f *coro.Frame[none, int]) coro.Step {
		if f.At() == 0 {
			return op(f, 5)
		}
		if f.At() != 5 {
			return f.Fail(errors.New("not where it should go on"))
		}
		seen(f.Err())
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(9)
	}, coro.NeverElided())
	return coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, leaf, none{}, &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
}

// start runs a call on a manual, from a goroutine, until it waits. end returns what
// Run does.
func start(ctx context.Context, ex *manual, call coro.Call[int]) (end func() (int, error)) {
	var result int
	var err error
	done := make(chan none)
	go func() {
		defer close(done)
		result, err = coro.Run(ctx, ex, call)
	}()
	ex.await(1)
	ex.runAll()
	return func() (int, error) {
		<-done
		return result, err
	}
}

func TestWaitAndWake(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			op, wake, _ := tt.block()
			var seen []error
			root := waiting(op, func(err error) { seen = append(seen, err) })
			ex := newManual(t, nil)
			end := start(context.Background(), ex, root.With(0))
			require.Empty(t, seen)
			require.Equal(t, 1+framesOf(tt.name), liveIn(ex.arena))
			require.Zero(t, ex.runAll(), "it does not go on by itself")
			wake()
			require.Equal(t, 1, ex.runAll())
			got, err := end()
			require.NoError(t, err)
			require.Equal(t, 9, got)
			require.Equal(t, []error{nil}, seen)
			require.Zero(t, liveIn(ex.arena))
		})
		if tt.forgets {
			continue
		}
		t.Run(tt.name+", nothing to wait for", func(t *testing.T) {
			op, wake, _ := tt.block()
			wake()
			root := waiting(op, func(error) {})
			ex := newInline(t)
			got, err := coro.Run(context.Background(), ex, root.With(0))
			require.NoError(t, err)
			require.Equal(t, 9, got)
		})
	}
}

// The context ends while a task waits; nothing is given to it afterwards.
func TestTheContextEndsDuringAWait(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			op, wake, left := tt.block()
			var seen []error
			root := waiting(op, func(err error) { seen = append(seen, err) })
			ex := newManual(t, nil)
			ctx, cancel := context.WithCancelCause(context.Background())
			end := start(ctx, ex, root.With(0))
			require.Equal(t, 1, ex.env.Live())
			cancel(errCause)
			ex.await(1)
			wake() // late
			require.Equal(t, 1, ex.runAll())
			_, err := end()
			require.True(t, err == errCause)
			require.Equal(t, []error{errCause}, seen)
			require.Zero(t, liveIn(ex.arena))
			require.True(t, left())
			require.Zero(t, coro.Pinned())
		})
	}
}

// The context of a tree ends; others wait for the same.
func TestTheContextOfOneOfMany(t *testing.T) {
	const trees = 9
	var event coro.Event
	root := waiting(event.Wait, func(error) {})
	ex := newManual(t, nil)
	var cancels [trees]context.CancelCauseFunc
	var ends [trees]func() (int, error)
	for i := range trees {
		var ctx context.Context
		ctx, cancels[i] = context.WithCancelCause(context.Background())
		ends[i] = start(ctx, ex, root.With(0))
	}
	var order []int
	for _, i := range []int{4, 0, 8} {
		cancels[i](errCause)
		ex.await(1)
		require.Equal(t, 1, ex.runAll())
		_, err := ends[i]()
		require.True(t, err == errCause)
		order = append(order, i)
	}
	event.Set()
	require.Equal(t, trees-len(order), ex.runAll())
	for i := range trees {
		cancels[i](nil)
		if i != 4 && i != 0 && i != 8 {
			_, err := ends[i]()
			require.NoError(t, err)
		}
	}
}

// A task that was given what it waited for does not get the error of its context.
func TestTheContextEndsAfterTheWake(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			op, wake, _ := tt.block()
			var seen []error
			root := waiting(op, func(err error) { seen = append(seen, err) })
			ex := newManual(t, nil)
			ctx, cancel := context.WithCancel(context.Background())
			end := start(ctx, ex, root.With(0))
			wake()
			cancel()
			require.Equal(t, 1, ex.runAll())
			got, err := end()
			require.NoError(t, err)
			require.Equal(t, 9, got)
			require.Equal(t, []error{nil}, seen)
		})
	}
}

// The context has ended before the task would wait: what it can have, it gets.
func TestTheContextHasEndedBeforeAWait(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(errCause)
			op, wake, left := tt.block()
			root := waiting(op, func(error) {})
			ex := newInline(t)
			// On an Inline, the task of AfterFunc may be what runs it.
			_, err := coro.Run(ctx, ex, root.With(0))
			require.True(t, err == errCause)
			wake()
			require.True(t, left())

			if tt.forgets {
				return
			}
			op, wake, _ = tt.block()
			wake()
			got, err := coro.Run(ctx, ex, waiting(op, func(error) {}).With(0))
			require.NoError(t, err)
			require.Equal(t, 9, got)
		})
	}
}

// Tasks that wait when their executor is closed end with its error, and leave no
// frame and nothing taken behind.
func TestCloseWhileTasksWait(t *testing.T) {
	for _, m := range makers {
		for _, tt := range operations {
			t.Run(m.name+", "+tt.name, func(t *testing.T) {
				a := newArena(t)
				heap := new(arena.Heap)
				var handled, byOption []error
				ex := m.make(executor.WithArena(a), executor.WithErrorHandler(func(err error) { handled = append(handled, err) }))
				begun := make(chan none, 4)
				op := func() (operation, func() bool) {
					op, wake, left := tt.block()
					return func(f coro.AnyFrame, at int) coro.Step {
						begun <- none{}
						return op(f, at)
					}, func() bool { wake(); return left() }
				}
				never := func(error) { t.Error("it went on") }
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				op1, left1 := op()
				require.NoError(t, coro.Go(ex, waiting(op1, never), 0))
				op2, left2 := op()
				require.NoError(t, coro.RunAsync(ex, coro.Allocator(heap), coro.OnError(func(err error) {
					byOption = append(byOption, err)
				}))(waiting(op2, never).With(0)))
				op3, left3 := op()
				require.NoError(t, coro.RunAsync(ex, coro.Context(ctx))(waiting(op3, never).With(0)))
				op4, left4 := op()
				done := make(chan error, 1)
				run := func() {
					_, err := coro.Run(ctx, ex, waiting(op4, never).With(0))
					done <- err
				}
				if m.name == "Pool" {
					go run()
				} else { // Close must not come before Post has returned
					require.NoError(t, coro.RunAsync(ex, coro.OnError(func(err error) { done <- err }))(waiting(op4, never).With(0)))
				}
				for range 4 {
					<-begun
				}
				require.NoError(t, ex.Close())
				require.True(t, <-done == executor.ErrClosed)
				require.Equal(t, []error{executor.ErrClosed, executor.ErrClosed}, handled)
				require.Equal(t, []error{executor.ErrClosed}, byOption)
				require.Zero(t, liveIn(a))
				require.Zero(t, heap.Live())
				for _, left := range []func() bool{left1, left2, left3, left4} {
					require.True(t, left())
				}
				trees := coro.Pinned()
				require.Zero(t, trees)
			})
		}
	}
}

// Once waiting tasks have been cancelled, none begins to wait.
func TestWaitAfterCancelWaiting(t *testing.T) {
	errClosed := errors.New("closed")
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			var handled []error
			ex := newManual(t, func(err error) { handled = append(handled, err) })
			op, wake, left := tt.block()
			never := func(error) { t.Error("it went on") }
			require.NoError(t, coro.Go(ex, waiting(op, never), 0))
			ex.env.CancelWaiting(errClosed)
			ex.env.CancelWaiting(errors.New("again"))
			require.Empty(t, handled)
			ex.runAll()
			require.Equal(t, []error{errClosed}, handled)
			wake()
			require.True(t, left())
			require.Zero(t, liveIn(ex.arena))
		})
	}
}

// What the executor refuses when it is woken is kept for CancelWaiting.
func TestTheWakeIsRefused(t *testing.T) {
	errClosed := errors.New("closed")
	for _, tt := range operations {
		for _, ctx := range []context.Context{nil, context.Background()} {
			t.Run(tt.name, func(t *testing.T) {
				var handled []error
				ex := newManual(t, func(err error) { handled = append(handled, err) })
				op, wake, _ := tt.block()
				var cancel context.CancelFunc
				var opts []coro.LaunchOption
				if ctx != nil {
					ctx, cancel = context.WithCancel(ctx)
					defer cancel()
					opts = append(opts, coro.Context(ctx))
				}
				never := func(error) { t.Error("it went on") }
				require.NoError(t, coro.RunAsync(ex, opts...)(waiting(op, never).With(0)))
				ex.runAll()
				ex.setRefuse(errors.New("not any more"))
				wake()
				require.Empty(t, handled)
				ex.env.CancelWaiting(errClosed)
				require.Equal(t, []error{errClosed}, handled)
				require.Zero(t, liveIn(ex.arena))
			})
		}
	}
}

// Tasks of an executor that is closed do not get in the way of others.
func TestCloseOfOneOfTwoExecutors(t *testing.T) {
	for _, tt := range operations {
		if forOneTask(tt.name) {
			continue // one task only
		}
		t.Run(tt.name, func(t *testing.T) {
			var handled []error
			a := newManual(t, func(err error) { handled = append(handled, err) })
			b := newManual(t, nil)
			op, wake, _ := tt.block()
			require.NoError(t, coro.Go(a, waiting(op, func(error) { t.Error("it went on") }), 0))
			a.runAll()
			end := start(context.Background(), b, waiting(op, func(error) {}).With(0))
			a.env.CancelWaiting(errCause)
			require.Equal(t, []error{errCause}, handled)
			require.Zero(t, b.runAll())
			wake()
			require.Equal(t, 1, b.runAll())
			_, err := end()
			require.NoError(t, err)
		})
	}
}

// The registry forgets all sorts of what tasks wait for, unless a task waits there.
func TestTheRegistryForgetsAllSorts(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			handled := 0
			ex := newInline(t, executor.WithErrorHandler(func(error) { handled++ }))
			var op operation
			k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
				if f.At() == 0 {
					return op(f, 1)
				}
				return f.Return(none{})
			})
			const held, rounds = 100, 1000
			for i := range rounds {
				var wake func()
				op, wake, _ = tt.block()
				require.NoError(t, coro.Go(ex, k, none{}))
				if i >= held {
					wake()
				}
			}
			require.Equal(t, held*framesOf(tt.name), liveIn(ex.Arena()))
			require.LessOrEqual(t, ex.Environment().Registered(), 2*held+64)
			ex.Environment().CancelWaiting(errCause)
			require.Equal(t, held, handled)
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
}

// What was forgotten is entered again when the next task waits there.
func TestWaitWhereTheRegistryForgot(t *testing.T) {
	handled := 0
	ex := newInline(t, executor.WithErrorHandler(func(error) { handled++ }))
	var event *coro.Event
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(none{})
	})
	all := make([]coro.Event, 1000)
	for round := range 2 {
		for i := range all {
			event = &all[i]
			require.NoError(t, coro.Go(ex, k, none{}))
			if round == 0 {
				event.Set()
				event.Reset()
			}
		}
	}
	require.Equal(t, len(all), ex.Environment().Registered())
	ex.Environment().CancelWaiting(errCause)
	require.Equal(t, len(all), handled)
}

// A task that resumes because its context has ended does not wait again.
func TestWaitsAfterTheContextEnded(t *testing.T) {
	ex := newManual(t, nil)
	ctx, cancel := context.WithCancelCause(context.Background())
	var event coro.Event
	k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 1 && f.Err() == errCause {
			f.State++
		}
		if f.State == 5 {
			return f.Return(f.State)
		}
		return event.Wait(f, 1)
	})
	end := start(ctx, ex, k.With(0))
	cancel(errCause)
	ex.await(1)
	require.Equal(t, 1, ex.runAll())
	require.Zero(t, liveIn(ex.arena))
	got, err := end()
	require.NoError(t, err)
	require.Equal(t, 5, got)
}

// A handler of a task that is cancelled wakes others: they are cancelled too.
func TestCancelWaitingWakes(t *testing.T) {
	var first, second coro.Event
	var handled []error
	ex := newManual(t, func(err error) {
		handled = append(handled, err)
		first.Set()
		second.Set()
	})
	never := func(error) { t.Error("it went on") }
	require.NoError(t, coro.Go(ex, waiting(first.Wait, never), 0))
	require.NoError(t, coro.Go(ex, waiting(second.Wait, never), 0))
	ex.runAll()
	ex.env.CancelWaiting(errCause)
	require.Equal(t, []error{errCause, errCause}, handled)
}

// A wake that comes while the executor of the first in the queue is being closed is
// for the next.
func TestTheWakeComesDuringClose(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			var handled []error
			a := newManual(t, func(err error) { handled = append(handled, err) })
			b := newManual(t, nil)
			op, wake, left := tt.block()
			require.NoError(t, coro.Go(a, waiting(op, func(error) { t.Error("it went on") }), 0))
			a.runAll()
			a.env.CloseGate(errCause)
			if forOneTask(tt.name) { // there is no other
				wake()
			} else {
				end := start(context.Background(), b, waiting(op, func(error) {}).With(0))
				wake()
				require.Equal(t, 1, b.runAll())
				_, err := end()
				require.NoError(t, err)
			}
			require.Zero(t, a.runAll())
			require.Empty(t, handled)
			a.env.CancelWaiting(errCause)
			require.Equal(t, []error{errCause}, handled)
			if forOneTask(tt.name) {
				require.True(t, left())
			}
		})
	}
}

// Wakes, ends of contexts and Close, all at once: each task ends once, and leaves
// no frame.
func TestWakeAgainstCancelAgainstClose(t *testing.T) {
	for _, tt := range operations {
		t.Run(tt.name, func(t *testing.T) {
			for _, procs := range []int{1, 2, 4, 8} {
				func() {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
					wakeCancelClose(t, tt.block, tt.forgets, scaled(100))
				}()
			}
		})
	}
}

func wakeCancelClose(t *testing.T, block func() (operation, func(), func() bool), forgets bool, rounds int) {
	const tasks = 16
	var ops [tasks]operation
	type numbered struct{ task int }
	root := coro.Define("root", func(f *coro.Frame[numbered, none]) coro.Step {
		if f.At() == 0 {
			return ops[f.State.task](f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	for round := range rounds {
		a := newArena(t)
		pool := executor.NewPool(executor.WithArena(a), executor.WithWorkers(3))
		var wakes [tasks]func()
		var lefts [tasks]func() bool
		var outcome [tasks]error
		var cancels [tasks]context.CancelCauseFunc
		var wg sync.WaitGroup
		for i := range tasks {
			ops[i], wakes[i], lefts[i] = block()
			var ctx context.Context
			ctx, cancels[i] = context.WithCancelCause(context.Background())
			if i%4 == 3 && !forgets {
				ctx = context.Background()
			}
			wg.Go(func() { _, outcome[i] = coro.Run(ctx, pool, root.With(numbered{i})) })
		}
		wg.Go(func() {
			for i := range tasks {
				wakes[i]()
			}
		})
		wg.Go(func() {
			for i := range tasks {
				cancels[(i+tasks/2)%tasks](errCause)
			}
		})
		if round%2 == 0 {
			wg.Go(func() {
				if err := pool.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if round%2 == 1 {
			for i := range tasks {
				switch outcome[i] {
				case nil:
				case errCause:
					if !lefts[i]() {
						t.Error("what was not given to a cancelled task is lost")
					}
				default:
					t.Error(outcome[i])
				}
			}
		} else {
			for _, err := range outcome {
				if err != nil && err != errCause && err != executor.ErrClosed {
					t.Error(err)
				}
			}
		}
		require.NoError(t, pool.Close())
		require.Zero(t, liveIn(a))
		require.NoError(t, a.Close()) // not when the test ends: address space is scarce on 32-bit machines
		for i := range tasks {
			cancels[i](nil)
		}
	}
}

// The registry of a long-lived tree does not keep waitables that no task waits for.
func TestTheRegistryOfATreeForgets(t *testing.T) {
	ex := newPool(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var weaks []weak.Pointer[coro.Event]
	rounds := scaled(5000)
	var events atomic.Pointer[coro.Event]
	root := coro.Define("root", func(f *coro.Frame[int, none]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		e := new(coro.Event)
		events.Store(e)
		return e.Wait(f, 1)
	})
	done := make(chan error, 1)
	require.NoError(t, coro.RunAsync(ex, coro.Context(ctx), coro.OnError(func(err error) { done <- err }))(root.With(rounds)))
	for range rounds - 1 {
		var e *coro.Event
		for e == nil {
			if e = events.Swap(nil); e == nil {
				runtime.Gosched()
			}
		}
		weaks = append(weaks, weak.Make(e))
		e.Set()
	}
	for events.Load() == nil {
		runtime.Gosched()
	}
	runtime.GC()
	alive := 0
	for _, w := range weaks {
		if w.Value() != nil {
			alive++
		}
	}
	require.LessOrEqual(t, alive, 70)
	cancel()
	require.True(t, <-done == context.Canceled)
}

// The registry does not keep waitables that no task waits for, beyond a bound.
func TestTheRegistryForgets(t *testing.T) {
	cancelled := 0
	ex := newInline(t, executor.WithErrorHandler(func(error) { cancelled++ }))
	var event *coro.Event
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(none{})
	})
	var held [100]coro.Event
	for i := range held {
		event = &held[i]
		require.NoError(t, coro.Go(ex, root, none{}))
	}
	for range 10_000 {
		event = new(coro.Event)
		require.NoError(t, coro.Go(ex, root, none{}))
		event.Set()
		n := ex.Environment().Registered()
		require.LessOrEqual(t, n, 2*len(held)+64)
		require.Greater(t, n, len(held))
	}
	for i := range held { // those where tasks wait were not forgotten
		if i%2 == 0 {
			held[i].Set()
		}
	}
	require.Equal(t, len(held)/2, liveIn(ex.Arena()))
	ex.Environment().CancelWaiting(executor.ErrClosed)
	require.Equal(t, len(held)/2, cancelled)
	require.Zero(t, liveIn(ex.Arena()))
}

// The registry does not have waitables in the held parts of tasks that have ended: that memory is cleared,
// and has another use then.
func TestTheRegistryForgetsHeldParts(t *testing.T) {
	type holding struct {
		events [2]struct{ coro.Event }
	}
	var ends []func()
	waiter := coro.DefineHeld("waiter", func(f *coro.Frame[none, none], h *holding) coro.Step {
		if f.At() == 2 {
			return f.Return(none{})
		}
		e := &h.events[f.At()].Event
		ends = append(ends, e.Set)
		return e.Wait(f, int(f.At())+1)
	})
	ex := newInline(t)
	const tasks = 10
	for range tasks {
		require.NoError(t, coro.GoHeld(ex, waiter, none{}, holding{}))
	}
	require.Equal(t, tasks, ex.Environment().Registered())
	for len(ends) > 0 {
		end := ends[0]
		ends = ends[1:]
		end()
	}
	require.Zero(t, ex.Environment().Registered())
	require.Zero(t, liveIn(ex.Arena()))
}

// A tree that comes after another in the same call begins anew.
func TestTreesComeAndGo(t *testing.T) {
	var event, never coro.Event
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		switch f.At() {
		case 0:
			return event.Wait(f, 1)
		case 1:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return never.Wait(f, 2)
		default:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(none{})
		}
	})
	ex := newPool(t)
	for i := range scaled(2000) {
		ctx, cancel := context.WithCancelCause(context.Background())
		done := make(chan error, 1)
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx), coro.OnError(func(err error) { done <- err }))(root.With(none{})))
		if i%3 == 0 {
			event.Set()
			event.Reset()
		}
		cancel(errCause)
		require.True(t, <-done == errCause)
	}
	pinned := coro.Pinned()
	require.Zero(t, pinned)
}

// In the steady state nothing that waits allocates on the Go heap.
func TestAllocationsOfWaits(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random, and everything allocates more
	}
	ex := newInline(t)
	var mutex coro.Mutex
	var event coro.Event
	var latch coro.WaitGroup
	semaphore := coro.NewSemaphore(3)
	unbuffered, buffered := coro.NewChan[[20]int](0), coro.NewChan[int](4)
	var waker coro.Waker
	type state struct {
		big   [20]int
		small int
	}
	task := func(op func(f *coro.Frame[state, none], at int) coro.Step, end func()) *coro.Kind[state, none] {
		return coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
			if f.At() == 0 {
				return op(f, 1)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if end != nil {
				end()
			}
			return f.Return(none{})
		})
	}
	type frame = *coro.Frame[state, none]
	lock := task(func(f frame, at int) coro.Step { return mutex.Lock(f, at) }, mutex.Unlock)
	wait := task(func(f frame, at int) coro.Step { return event.Wait(f, at) }, nil)
	all := task(func(f frame, at int) coro.Step { return latch.Wait(f, at) }, nil)
	acquire := task(func(f frame, at int) coro.Step { return semaphore.Acquire(f, at, 2) }, func() { semaphore.Release(2) })
	recvBig := task(func(f frame, at int) coro.Step { return unbuffered.Recv(f, at, &f.State.big) }, nil)
	sendBig := task(func(f frame, at int) coro.Step { return unbuffered.Send(f, at, f.State.big) }, nil)
	recv := task(func(f frame, at int) coro.Step { return buffered.Recv(f, at, &f.State.small) }, nil)
	send := task(func(f frame, at int) coro.Step { return buffered.Send(f, at, f.State.small) }, nil)
	suspend := task(func(f frame, at int) coro.Step { return coro.Suspend(f, at, waker) }, nil)

	failures := 0
	launch := func(k *coro.Kind[state, none], n int) {
		for range n {
			if coro.Go(ex, k, state{}) != nil {
				failures++
			}
		}
	}
	tests := []struct {
		name string
		run  func()
	}{
		{"Mutex", func() { mutex.TryLock(); launch(lock, 5); mutex.Unlock() }},
		{"Mutex, free", func() { launch(lock, 5) }},
		{"Event", func() { launch(wait, 5); event.Set(); event.Reset() }},
		{"WaitGroup", func() { latch.Add(2); launch(all, 5); latch.Done(); latch.Done() }},
		{"Semaphore", func() { semaphore.TryAcquire(2); launch(acquire, 5); semaphore.Release(2) }},
		{"Chan, unbuffered, receivers first", func() { launch(recvBig, 5); launch(sendBig, 5) }},
		{"Chan, unbuffered, senders first", func() { launch(sendBig, 5); launch(recvBig, 5) }},
		{"Chan, buffered", func() { launch(send, 10); launch(recv, 10) }},
		{"Chan, buffered, receivers first", func() { launch(recv, 10); launch(send, 10) }},
		{"Chan, from outside", func() { launch(recv, 1); buffered.TrySend(1); launch(send, 1); buffered.TryRecv() }},
		{"Suspend", func() { waker = coro.NewWaker(); launch(suspend, 1); waker.Wake() }},
		{"Suspend, woken before", func() { waker = coro.NewWaker(); waker.Wake(); launch(suspend, 1) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				tt.run()
			}
			require.Zero(t, testing.AllocsPerRun(1000, tt.run))
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
	require.Zero(t, failures)
}

// Waking tasks of one executor from tasks of another, both ways.
func TestWaitAcrossExecutors(t *testing.T) {
	pool, other, inline := newPool(t), newPool(t), newInline(t)
	ping, pong := coro.NewChan[int](0), coro.NewChan[int](0)
	const rounds = 1000
	type state struct{ round, got int }
	player := func(out, in *coro.Chan[int]) *coro.Kind[state, int] {
		return coro.Define("player", func(f *coro.Frame[state, int]) coro.Step {
			s := &f.State
			switch f.At() {
			default:
				if s.round == rounds {
					return f.Return(s.got)
				}
				return out.Send(f, 1, s.got+1)
			case 1:
				s.round++
				return in.Recv(f, 0, &s.got)
			}
		})
	}
	echo := coro.Define("echo", func(f *coro.Frame[state, int]) coro.Step {
		s := &f.State
		switch f.At() {
		default:
			if s.round == rounds {
				return f.Return(s.got)
			}
			s.round++
			return ping.Recv(f, 1, &s.got)
		case 1:
			return pong.Send(f, 0, s.got+1)
		}
	})
	first := player(ping, pong)
	for _, pair := range [][2]coro.Executor{{pool, other}, {pool, inline}, {inline, pool}, {inline, inline}, {pool, pool}} {
		var echoed atomic.Int64
		done := make(chan none)
		go func() {
			defer close(done)
			got, err := coro.Run(context.Background(), pair[1], echo.With(state{}))
			if err != nil {
				t.Error(err)
			}
			echoed.Store(int64(got))
		}()
		got, err := coro.Run(context.Background(), pair[0], first.With(state{}))
		require.NoError(t, err)
		require.Equal(t, 2*rounds, got)
		<-done
		require.Equal(t, int64(2*rounds-1), echoed.Load())
	}
}
