package coro_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Roots that are launched with equal options share an environment, and nothing is left of it.
func TestSharedEnvironments(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	other, cancelOther := context.WithCancel(context.Background())
	defer cancelOther()
	heap := new(arena.Heap)
	handler := func(error) {}
	tests := []struct {
		name string
		opts []coro.LaunchOption
	}{
		{"OnError", []coro.LaunchOption{coro.OnError(handler)}},
		{"Context", []coro.LaunchOption{coro.Context(ctx)}},
		{"another Context", []coro.LaunchOption{coro.Context(other)}},
		{"Allocator", []coro.LaunchOption{coro.Allocator(heap)}},
		{"RootFrameSize", []coro.LaunchOption{coro.RootFrameSize(500)}},
		{"Counted", []coro.LaunchOption{coro.Counted()}},
		{"all", []coro.LaunchOption{coro.OnError(handler), coro.Context(ctx), coro.Allocator(heap), coro.RootFrameSize(500), coro.Counted()}},
	}
	ex := newManual(t, nil)
	var event coro.Event
	k := waiter("waits", event.Wait)
	const each = 100
	for range each { // by turns: they do not drive each other out
		for _, tt := range tests {
			require.NoError(t, coro.RunAsync(ex, tt.opts...)(k.With(1)))
		}
	}
	require.Equal(t, each*len(tests), ex.runAll())
	require.LessOrEqual(t, coro.Pinned(), each*len(tests)/10, "two options may have one place")
	cancelOther()
	ex.await(each)
	require.Equal(t, each, ex.runAll(), "those with the other context")
	event.Set()
	require.Equal(t, each*(len(tests)-1), ex.runAll())
	require.Zero(t, coro.Pinned())
	require.Zero(t, heap.Live())
	require.Zero(t, liveIn(ex.arena))
}

// An environment that no root has any more keeps nothing alive.
func TestSharedEnvironmentsForgetContexts(t *testing.T) {
	ex := newInline(t)
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	collected := make(chan none)
	func() {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), none{}, new([1000]int)))
		runtime.AddCleanup(ctx.(interface{ context.Context }).Value(none{}).(*[1000]int), func(none) { close(collected) }, none{})
		defer cancel()
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx))(leaf.With(none{})))
	}()
	for range 100 {
		runtime.GC()
		select {
		case <-collected:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the context is not collected")
}

// Launches with the same and with other options, ends of contexts and of roots, all at once.
func TestSharedEnvironmentsUnderLoad(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(3), executor.WithErrorHandler(func(error) {}))
	var wg sync.WaitGroup
	var ended atomic.Int64
	c := coro.NewChan[int](0)
	k := coro.Define("receives", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return c.Recv(f, 1, &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	var results atomic.Int64
	const goroutines = 8
	rounds := scaled(200)
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds {
				ctx, cancel := context.WithCancel(context.Background())
				var here sync.WaitGroup
				here.Add(4)
				fails := func(error) { ended.Add(1); here.Done() }
				for range 4 {
					err := coro.RunAsync(ex, coro.Context(ctx), coro.OnError(fails), coro.OnResult(func(n int) {
						results.Add(int64(n))
						ended.Add(1)
						here.Done()
					}))(k.With(0))
					if err != nil {
						t.Error(err)
					}
				}
				for range (g + i) % 5 {
					c.TrySend(1)
				}
				cancel()
				here.Wait()
			}
		})
	}
	wg.Wait()
	require.NoError(t, ex.Close())
	require.Equal(t, int64(goroutines*rounds*4), ended.Load())
	require.Zero(t, coro.Pinned())
}

// Children with timeouts that fire while they end in other ways.
func TestTimeoutsThatRace(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(3), executor.WithErrorHandler(func(err error) { t.Error(err) }))
	var event coro.Event
	var lock coro.Mutex
	waits := map[string]func(f coro.AnyFrame, at int) coro.Step{
		"event": event.Wait,
		"lock":  lock.Lock,
		"sleep": func(f coro.AnyFrame, at int) coro.Step { return coro.Sleep(f, at, 2*time.Millisecond) },
		"select": func(f coro.AnyFrame, at int) coro.Step {
			return coro.Select(f, at, nil, event.WaitCase(), coro.After(2*time.Millisecond))
		},
		"after": func(f coro.AnyFrame, at int) coro.Step {
			return coro.Select(f, at, nil, coro.After(2*time.Millisecond), coro.After(time.Second))
		},
		"yield": nil,
	}
	require.True(t, lock.TryLock())
	var wg sync.WaitGroup
	for name, wait := range waits {
		child := coro.Define("child "+name, func(f *coro.Frame[int, none]) coro.Step {
			switch {
			case f.At() == 0 && wait != nil:
				return wait(f, 1)
			case f.At() < 3 && wait == nil && f.Err() == nil:
				return coro.Yield(f, f.At()+1)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if name == "lock" {
				lock.Unlock()
			}
			return f.Return(none{})
		})
		parent := coro.Define("parent "+name, func(f *coro.Frame[int, none]) coro.Step {
			if f.State--; f.State < 0 {
				return f.Return(none{})
			}
			return coro.AwaitCall(f, 0, child.With(0), nil, coro.Timeout(time.Duration(f.State%5)*time.Millisecond/2))
		})
		for range 20 {
			wg.Go(func() {
				if _, err := coro.Run(context.Background(), ex, parent.With(scaled(30))); err != nil {
					t.Error(err)
				}
			})
		}
	}
	done := make(chan none)
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			event.Set()
			event.Reset()
			runtime.Gosched()
			if i%64 == 0 {
				time.Sleep(100 * time.Microsecond)
			}
			if ex.Environment().Live() == 0 {
				return
			}
		}
	}()
	wg.Wait()
	<-done
	lock.Unlock()
	require.NoError(t, ex.Close())
	scopes, records, clean := coro.Parts()
	require.Zero(t, scopes)
	require.Zero(t, records)
	require.True(t, clean)
}

// One waiter among many is cancelled, in any order: it alone continues, and the others keep their
// order.
func TestCancelOneOfMany(t *testing.T) {
	const n = 50
	for name, op := range map[string]func(m *coro.Mutex, e *coro.Event, s *coro.Semaphore, c *coro.Chan[*int]) func(f coro.AnyFrame, at int) coro.Step{
		"Mutex": func(m *coro.Mutex, _ *coro.Event, _ *coro.Semaphore, _ *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return m.Lock
		},
		"Event": func(_ *coro.Mutex, e *coro.Event, _ *coro.Semaphore, _ *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return e.Wait
		},
		"Semaphore": func(_ *coro.Mutex, _ *coro.Event, s *coro.Semaphore, _ *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return func(f coro.AnyFrame, at int) coro.Step { return s.Acquire(f, at, 1) }
		},
		"Chan": func(_ *coro.Mutex, _ *coro.Event, _ *coro.Semaphore, c *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return func(f coro.AnyFrame, at int) coro.Step { return c.Recv(f, at, nil) }
		},
		"Send": func(_ *coro.Mutex, _ *coro.Event, _ *coro.Semaphore, c *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return func(f coro.AnyFrame, at int) coro.Step { return c.Send(f, at, new(int)) }
		},
		"Select": func(_ *coro.Mutex, e *coro.Event, _ *coro.Semaphore, c *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return func(f coro.AnyFrame, at int) coro.Step {
				return coro.Select(f, at, nil, e.WaitCase(), c.RecvCase(nil), coro.After(time.Hour))
			}
		},
		"Sleep": func(*coro.Mutex, *coro.Event, *coro.Semaphore, *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return func(f coro.AnyFrame, at int) coro.Step { return coro.Sleep(f, at, time.Hour) }
		},
		"Waker": func(*coro.Mutex, *coro.Event, *coro.Semaphore, *coro.Chan[*int]) func(coro.AnyFrame, int) coro.Step {
			return func(f coro.AnyFrame, at int) coro.Step { return coro.Suspend(f, at, coro.NewWaker()) }
		},
	} {
		for _, large := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, large frames: %t", name, large), func(t *testing.T) {
				var m coro.Mutex
				var e coro.Event
				s := coro.NewSemaphore(1)
				require.True(t, m.TryLock())
				require.True(t, s.TryAcquire(1))
				wait := op(&m, &e, s, coro.NewChan[*int](0))
				var ended []int
				step := func(f coro.AnyFrame, at, i int, err error) (coro.Step, bool) {
					if at == 0 {
						return wait(f, 1), true
					}
					require.Error(t, err)
					ended = append(ended, i)
					return coro.Step{}, false
				}
				small := coro.Define("small", func(f *coro.Frame[int, none]) coro.Step {
					if st, ok := step(f, f.At(), f.State, f.Err()); ok {
						return st
					}
					return f.Fail(f.Err())
				})
				big := coro.Define("big", func(f *coro.Frame[[10]int, none]) coro.Step { // no room behind the state
					if st, ok := step(f, f.At(), f.State[0], f.Err()); ok {
						return st
					}
					return f.Fail(f.Err())
				})
				ex := newManual(t, nil)
				handles := make([]*coro.Handle[none], n)
				for i := range n {
					var err error
					if large {
						handles[i], err = coro.Start(ex, big.With([10]int{i}))
					} else {
						handles[i], err = coro.Start(ex, small.With(i))
					}
					require.NoError(t, err)
				}
				ex.runAll()
				var want []int
				for k := range n { // 0, 7, 14, ...
					i := k * 7 % n
					handles[i].Cancel(errCause)
					require.Equal(t, 1, ex.runAll())
					want = append(want, i)
					require.Equal(t, want, ended)
				}
				require.Zero(t, coro.Pinned())
				require.Zero(t, liveIn(ex.arena))
			})
		}
	}
}

// BenchmarkCancelOneOfMany cancels one waiter after the other, the newest first and the oldest first,
// of so many that wait for one Semaphore.
func BenchmarkCancelOneOfMany(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := coro.NewSemaphore(1)
			require.True(b, s.TryAcquire(1))
			k := waiter("waits", func(f coro.AnyFrame, at int) coro.Step { return s.Acquire(f, at, 1) })
			for range b.N {
				b.StopTimer()
				ex := newInline(b, executor.WithErrorHandler(func(error) {}))
				handles := make([]*coro.Handle[int], n)
				for i := range handles {
					h, err := coro.Start(ex, k.With(1))
					require.NoError(b, err)
					handles[i] = h
				}
				b.StartTimer()
				for i := range handles {
					if i%2 == 0 {
						handles[i].Cancel(nil)
					} else {
						handles[n-i].Cancel(nil)
					}
				}
				b.StopTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/cancel")
		})
	}
}
