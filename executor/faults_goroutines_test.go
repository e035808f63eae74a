package executor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/testclock"
)

// deaths are ways for a function to end without returning.
var deaths = []struct {
	name string
	die  func()
	is   func(p *coro.PanicError) bool
}{
	{"Goexit", runtime.Goexit, func(p *coro.PanicError) bool { return p.Value == coro.ErrGoexit }},
	{"panic", func() { panic(errTask) }, func(p *coro.PanicError) bool { return p.Value == errTask }},
	{"panic(nil)", func() { panic(nil) }, func(p *coro.PanicError) bool {
		_, is := p.Value.(*runtime.PanicNilError)
		return is
	}},
	{"runtime error", func() { _ = []int{}[len(deathsNames)] }, func(p *coro.PanicError) bool {
		_, is := p.Value.(runtime.Error)
		return is
	}},
	{"Goexit in a deferred function of a panic", func() {
		defer runtime.Goexit()
		panic(errTask)
	}, func(p *coro.PanicError) bool { return p.Value == coro.ErrGoexit }},
	{"panic in a deferred function of a Goexit", func() {
		defer func() { panic(errTask) }()
		runtime.Goexit()
	}, func(p *coro.PanicError) bool { return p.Value == errTask }},
	{"panic in a deferred function of a panic", func() {
		defer func() { panic(errTask) }()
		panic("first")
	}, func(p *coro.PanicError) bool { return p.Value == errTask }},
}

var deathsNames = []string{"index"}

// alone calls f on another goroutine, which f may end, and waits until that has ended.
func alone(f func()) {
	done := make(chan none)
	go func() {
		defer close(done)
		defer func() { _ = recover() }()
		f()
	}()
	<-done
}

// Several tasks are woken by one goroutine, which dies in the first of them: the others are
// woken all the same, and the executor can be closed.
func TestWokenTasksOutliveTheGoroutineThatWakes(t *testing.T) {
	for _, death := range deaths {
		for _, wakes := range []struct {
			name string
			by   func(t *testing.T, ex drainer, k *coro.Kind[int, none], c *testclock.Clock)
		}{
			{"an Event", func(t *testing.T, ex drainer, k *coro.Kind[int, none], c *testclock.Clock) {
				var e coro.Event
				waitsFor(t, ex, k, func(f coro.AnyFrame, at int) coro.Step { return e.Wait(f, at) })
				alone(e.Set)
			}},
			{"a closed Chan", func(t *testing.T, ex drainer, k *coro.Kind[int, none], c *testclock.Clock) {
				ch := coro.NewChan[int](0)
				waitsFor(t, ex, k, func(f coro.AnyFrame, at int) coro.Step { return ch.Recv(f, at, nil) })
				alone(ch.Close)
			}},
			{"a Semaphore", func(t *testing.T, ex drainer, k *coro.Kind[int, none], c *testclock.Clock) {
				var s coro.Semaphore
				waitsFor(t, ex, k, func(f coro.AnyFrame, at int) coro.Step { return s.Acquire(f, at, 1) })
				alone(func() { s.Release(dying) })
			}},
			{"the clock", func(t *testing.T, ex drainer, k *coro.Kind[int, none], c *testclock.Clock) {
				waitsFor(t, ex, k, func(f coro.AnyFrame, at int) coro.Step { return coro.Sleep(f, at, time.Hour) })
				alone(func() { c.Advance(2 * time.Hour) })
			}},
		} {
			t.Run(death.name+", "+wakes.name, func(t *testing.T) {
				c := new(testclock.Clock)
				ex := executor.NewInline(executor.WithArena(newArena(t)), executor.WithClock(c), executor.WithErrorHandler(func(err error) {
					var p *coro.PanicError
					if !errors.As(err, &p) || !death.is(p) {
						t.Error(err)
					}
				}))
				n := 0
				k := coro.Define("dies", func(f *coro.Frame[int, none]) coro.Step {
					n++
					if f.State == 0 {
						death.die()
					}
					return f.Return(none{})
				})
				wakes.by(t, ex, k, c)
				requireEnd(t, ex)
				require.Equal(t, dying, n)
			})
		}
	}
}

// dying is how many tasks waitsFor launches.
const dying = 5

// waitsFor launches tasks on ex that wait and then await a task of k. Its state is the number of
// tasks that came before.
func waitsFor(t *testing.T, ex coro.Executor, k *coro.Kind[int, none], wait func(f coro.AnyFrame, at int) coro.Step) {
	waits := coro.Define("waits", func(f *coro.Frame[int, none]) coro.Step {
		switch f.At() {
		case 0:
			return wait(f, 1)
		case 1:
			return coro.Await(f, 2, k, f.State, nil)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	for i := range dying {
		require.NoError(t, coro.Go(ex, waits, i))
	}
}

// requireEnd looks whether all tasks of ex come to their end and leave nothing.
func requireEnd(t *testing.T, ex drainer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for drained := false; !drained; { // Drain of a Loop runs tasks
		alone(func() {
			if err := ex.Drain(ctx); err != nil {
				t.Error(err)
			}
			drained = true
		})
	}
	closed := make(chan error)
	go func() { closed <- ex.Close() }()
	select {
	case err := <-closed:
		require.NoError(t, err)
	case <-ctx.Done():
		t.Fatal("Close does not return")
	}
	require.Zero(t, ex.Environment().Live())
	require.Zero(t, ex.Arena().Stats().Total.Live)
}

// isDeath is the error that a task which has died so should have.
func isDeath(err error, is func(*coro.PanicError) bool) bool {
	var p *coro.PanicError
	return errors.As(err, &p) && is(p)
}

// Wherever a step dies, the task that awaits it gets the error and runs on. The root returns the
// number of deaths for which that is so.
func TestDyingSteps(t *testing.T) {
	for _, death := range deaths {
		var deadAwaits atomic.Int64
		dies := coro.Define("dies", func(f *coro.Frame[int, int]) coro.Step {
			if f.State--; f.State >= 0 {
				return coro.Yield(f, 0)
			}
			death.die()
			return f.Return(1)
		}, coro.NeverElided())
		elided := coro.Define("dies elided", func(f *coro.Frame[none, int]) coro.Step {
			death.die()
			return f.Return(1)
		})
		awaits := coro.Define("dies after Await", func(f *coro.Frame[none, int]) coro.Step {
			coro.Await(f, 1, echo, 1, nil) //framearena:ignore on purpose
			deadAwaits.Add(1)
			death.die()
			return f.Return(1)
		})
		held := coro.DefineHeld("dies held", func(f *coro.Frame[none, int], text *string) coro.Step {
			*text += "!"
			death.die()
			return f.Return(1)
		})
		cleanup := coro.Define("dies in its cleanup", func(f *coro.Frame[none, int]) coro.Step {
			if f.At() == coro.Cleanup && !isDeath(f.Err(), death.is) {
				t.Error(f.Err())
			}
			death.die()
			return f.Return(1)
		}, coro.HasCleanup())
		recovers := coro.Define("recovers in its cleanup", func(f *coro.Frame[int, int]) coro.Step {
			switch f.At() {
			case 0:
				death.die()
			case coro.Cleanup:
				return coro.Await(f, 1, dies, 2, &f.State)
			}
			return f.Fail(f.Err())
		}, coro.HasCleanup())
		type parent struct {
			children coro.Group
			got      int
			failed   int
		}
		const all = 9
		root := coro.Define("root", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if f.At() > 0 && isDeath(f.Err(), death.is) {
				s.failed++
			}
			switch at := f.At() + 1; at {
			case 1:
				return coro.Await(f, at, dies, 0, &s.got)
			case 2:
				return coro.Await(f, at, dies, 3, &s.got)
			case 3:
				return coro.Await(f, at, elided, none{}, &s.got)
			case 4:
				return coro.Await(f, at, awaits, none{}, &s.got)
			case 5:
				return coro.AwaitHeld(f, at, held, none{}, "held", &s.got)
			case 6:
				return coro.Await(f, at, cleanup, none{}, &s.got)
			case 7:
				return coro.Await(f, at, recovers, 0, &s.got)
			case 8:
				coro.Spawn(f, &s.children, dies, 1, &s.got)
				coro.Spawn(f, &s.children, echo, 1, nil)
				return s.children.Wait(f, at)
			case 9:
				return coro.AwaitCall(f, at, dies.With(1), &s.got, coro.Timeout(time.Hour))
			}
			return f.Return(s.failed)
		})
		for _, kind := range faulty {
			t.Run(death.name+", "+kind.name, func(t *testing.T) {
				ex := kind.make(executor.WithArena(newArena(t)))
				const roots = 3
				var told, handled atomic.Int64
				for range roots {
					alone(func() {
						_ = coro.RunAsync(ex, coro.OnResult(func(n int) {
							if n != all {
								t.Errorf("%d of %d deaths got to whoever awaits", n, all)
							}
							told.Add(1)
						}))(root.With(parent{}))
					})
					alone(func() { // nobody awaits it
						_ = coro.RunAsync(ex, coro.OnError(func(err error) {
							if !isDeath(err, death.is) {
								t.Error(err)
							}
							handled.Add(1)
						}))(dies.With(2))
					})
				}
				requireEnd(t, ex)
				require.EqualValues(t, roots, told.Load())
				require.EqualValues(t, roots, handled.Load())
			})
		}
	}
}

// The goroutine of a loop over a generator dies in a step of the generator, or a task that the
// generator awaits does.
func TestDyingGenerators(t *testing.T) {
	for _, death := range deaths {
		t.Run(death.name, func(t *testing.T) {
			a := newArena(t)
			cleaned := 0
			dies := coro.Define("dies", func(f *coro.Frame[none, int]) coro.Step {
				if f.At() == coro.Cleanup {
					cleaned++
				}
				death.die()
				return f.Return(1)
			}, coro.HasCleanup(), coro.NeverElided())
			seq := coro.DefineSeq("dying", func(f *coro.SeqFrame[bool, int]) coro.Step {
				switch f.At() {
				case 0:
					return coro.YieldValue(f, 1, 1)
				case 1:
					if f.State {
						return coro.Await(&f.Frame, 2, dies, none{}, nil)
					}
				case 2:
					return f.Fail(f.Err())
				case coro.Cleanup:
					cleaned++
				}
				death.die()
				return f.Return()
			}, coro.HasCleanup())
			outer := coro.DefineSeq("outer", func(f *coro.SeqFrame[bool, int]) coro.Step {
				if f.At() == 0 {
					return coro.YieldFrom(f, 1, seq, f.State)
				}
				return f.Fail(f.Err())
			})
			for _, k := range []*coro.SeqKind[bool, int]{seq, outer} {
				for _, inChild := range []bool{false, true} {
					cleaned = 0
					values := 0
					alone(func() {
						for _, err := range k.Seq2(inChild, coro.Allocator(a)) {
							if err == nil {
								values++
							} else if !isDeath(err, death.is) {
								t.Error(err)
							}
						}
					})
					require.Equal(t, 1, values)
					require.NotZero(t, cleaned, "%s, in a child: %v", k.Name(), inChild)
					require.Zero(t, a.Stats().Total.Live)
				}
			}
		})
	}
}

// A function of Blocking dies on its goroutine, and the task that waits gets the error.
func TestDyingBlockingFunctions(t *testing.T) {
	for _, death := range deaths {
		for _, kind := range faulty {
			t.Run(death.name+", "+kind.name, func(t *testing.T) {
				ex := kind.make(executor.WithArena(newArena(t)))
				k := coro.Define("blocking", func(f *coro.Frame[int, int]) coro.Step {
					if f.At() > 0 && !isDeath(f.Err(), death.is) {
						t.Error(f.Err())
					}
					if f.State++; f.State > 5 {
						return f.Return(f.State)
					}
					return coro.Blocking(f, 1, func() (int, error) { death.die(); return 0, nil }, nil)
				})
				for range 3 {
					require.NoError(t, coro.Go(ex, k, 0))
				}
				requireEnd(t, ex)
			})
		}
	}
}

// Handlers end their goroutine: while tasks run, and while Close cancels them. All other handlers
// are called all the same, and nothing is left.
func TestDyingHandlers(t *testing.T) {
	for _, kind := range faulty {
		for _, closes := range []bool{false, true} {
			name := kind.name
			if closes {
				name += ", in Close"
			}
			t.Run(name, func(t *testing.T) {
				a := newArena(t)
				var told atomic.Int64
				dies := func() {
					told.Add(1)
					runtime.Goexit()
				}
				ex := kind.make(executor.WithArena(a), executor.WithErrorHandler(func(error) { dies() }))
				var door coro.Event
				waits := coro.Define("waits", func(f *coro.Frame[bool, int]) coro.Step {
					switch {
					case f.At() == 0 && closes:
						return door.Wait(f, 1)
					case f.At() == 0:
						return coro.Yield(f, 1)
					case f.State:
						return f.Fail(errTask)
					}
					return f.Return(1)
				})
				sleeps := coro.Define("sleeps", func(f *coro.Frame[none, int]) coro.Step {
					if f.At() == 0 && closes {
						return coro.Sleep(f, 1, time.Hour)
					}
					return f.Fail(errTask)
				})
				const n = 5
				for range n {
					alone(func() { _ = coro.Go(ex, waits, true) })
					alone(func() { _ = coro.Go(ex, sleeps, none{}) })
					alone(func() { _ = coro.RunAsync(ex, coro.OnError(func(error) { dies() }))(waits.With(true)) })
					if !closes {
						alone(func() { _ = coro.RunAsync(ex, coro.OnResult(func(int) { dies() }))(waits.With(false)) })
					}
				}
				want := int64(4 * n)
				if closes {
					want = 3 * n
					alone(func() { _ = ex.Close() })
					require.NoError(t, ex.Close())
				} else {
					requireEnd(t, ex)
				}
				require.Equal(t, want, told.Load())
				require.Zero(t, ex.Environment().Live())
				require.Zero(t, a.Stats().Total.Live)
			})
		}
	}
}

// A task of a Pool that begins to wait wakes one of an Inline, which runs on the same goroutine
// and ends it. The first task is not affected: it resumes when it is woken, and the other tasks of
// the Pool that it has woken run.
func TestParkedTasksOutliveTheGoroutineThatParked(t *testing.T) {
	for _, death := range deaths {
		for _, workers := range []int{1, 2} {
			pool := executor.NewPool(executor.WithArena(newArena(t)), executor.WithWorkers(workers))
			inline := executor.NewInline(executor.WithArena(newArena(t)), executor.WithErrorHandler(func(err error) {
				if !isDeath(err, death.is) {
					t.Error(err)
				}
			}))
			cond := coro.NewCond(new(coro.Mutex))
			locked, queued := make(chan none), make(chan none)
			dies := coro.Define("dies", func(f *coro.Frame[none, none]) coro.Step {
				if f.At() == 0 {
					return cond.L.Lock(f, 1)
				}
				cond.L.Unlock()
				death.die()
				return f.Return(none{})
			})
			signals := coro.Define("signals", func(f *coro.Frame[none, none]) coro.Step {
				if f.At() == 0 {
					return cond.L.Lock(f, 1)
				}
				cond.Signal()
				cond.L.Unlock()
				return f.Return(none{})
			})
			waits := coro.Define("waits", func(f *coro.Frame[none, int]) coro.Step {
				switch {
				case f.Err() != nil:
					return f.Fail(f.Err())
				case f.At() == 0:
					return cond.L.Lock(f, 1)
				case f.At() == 1:
					close(locked)
					<-queued
					return cond.Wait(f, 2)
				}
				cond.L.Unlock()
				return f.Return(7)
			})
			h, err := coro.Start(pool, waits.With(none{}))
			require.NoError(t, err)
			<-locked
			require.NoError(t, coro.Go(inline, dies, none{})) // waits for the mutex
			close(queued)
			require.NoError(t, coro.Go(pool, signals, none{}))
			got, err := h.Wait(context.Background())
			require.NoError(t, err, death.name)
			require.Equal(t, 7, got)
			requireEnd(t, pool)
			requireEnd(t, inline)
		}
	}
}

// diesInItsMethods is an executor whose methods end the goroutine, one call of each.
type diesInItsMethods struct {
	*executor.Inline
	dies atomic.Bool
}

func (e *diesInItsMethods) Post(t coro.Runnable) error {
	if e.dies.Swap(false) {
		go func() { _ = e.Inline.Post(t) }()
		runtime.Goexit()
	}
	return e.Inline.Post(t)
}

// The Post of a user's own executor ends the goroutine that wakes several tasks: the other tasks
// are posted all the same.
func TestGoroutineDiesInPost(t *testing.T) {
	base := executor.NewInline(executor.WithArena(newArena(t)))
	e := &diesInItsMethods{Inline: base}
	relay := coro.NewRelay(e, new(plainQueue), nil)
	var event coro.Event
	var n atomic.Int64
	k := coro.Define("waits", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		n.Add(1)
		return f.Return(none{})
	})
	for range 3 {
		require.NoError(t, coro.Go(relay, k, none{}))
	}
	e.dies.Store(true)
	alone(event.Set)
	requireEnd(t, base)
	require.EqualValues(t, 3, n.Load())
}

// plainQueue is a queue for a Relay.
type plainQueue struct {
	mu    sync.Mutex
	queue coro.RunQueue
	busy  bool
}

func (q *plainQueue) Push(t coro.Runnable) (wasIdle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue.Push(t)
	wasIdle = !q.busy
	q.busy = true
	return wasIdle
}

func (q *plainQueue) Pop() (coro.Runnable, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, ok := q.queue.Pop()
	q.busy = ok
	return t, ok
}
