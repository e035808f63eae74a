package coro_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
)

// leave is a function to look for in stacks.
//
//go:noinline
func leave() { runtime.Goexit() }

var leaving = coro.Define("leaving", func(f *coro.Frame[none, int]) coro.Step {
	leave()
	return f.Return(1)
})

// awaitsLeaving awaits a leaving so many times, and returns how often that failed
// because of the Goexit.
var awaitsLeaving = coro.Define("awaits leaving", func(f *coro.Frame[struct{ left, failed int }, int]) coro.Step {
	s := &f.State
	if errors.Is(f.Err(), coro.ErrGoexit) {
		s.failed++
	}
	if s.left--; s.left < 0 {
		return f.Return(s.failed)
	}
	return coro.Await(f, 1, leaving, none{}, nil)
})

func requireGoexit(t *testing.T, err error, tasks ...string) {
	t.Helper()
	require.ErrorIs(t, err, coro.ErrGoexit)
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Contains(t, string(p.Stack), "coro_test.leave", "the stack of the Goexit")
	require.True(t, strings.HasPrefix(p.Error(), "coro: runtime.Goexit in a step\n\ntasks, "), p.Error())
	var names []string
	for _, k := range p.Backtrace.Tasks {
		names = append(names, k.Name)
	}
	require.Equal(t, tasks, names)
}

// onGoroutine runs f on a goroutine of its own and reports whether f returned.
func onGoroutine(f func()) (returned bool) {
	done := make(chan none)
	go func() {
		defer close(done)
		f()
		returned = true
	}()
	<-done
	return returned
}

func TestGoexitOnAPool(t *testing.T) {
	ex := newPool(t, executor.WithWorkers(1))
	for range 50 {
		_, err := coro.Run(context.Background(), ex, leaving.With(none{}))
		requireGoexit(t, err, "leaving")
		failed, err := coro.Run(context.Background(), ex, awaitsLeaving.With(struct{ left, failed int }{left: 20}))
		require.NoError(t, err, "the parent goes on")
		require.Equal(t, 20, failed)
		got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: 3}))
		require.NoError(t, err)
		require.Equal(t, 4, got)
	}
	require.Zero(t, liveIn(ex.Arena()))
}

// With several workers and roots at once, each of which ends many goroutines.
func TestGoexitOnAPoolAtOnce(t *testing.T) {
	ex := newPool(t, executor.WithWorkers(4))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				failed, err := coro.Run(context.Background(), ex, awaitsLeaving.With(struct{ left, failed int }{left: 10}))
				if err != nil || failed != 10 {
					t.Errorf("%d, %v", failed, err)
				}
			}
		})
	}
	wg.Wait()
}

// On an Inline, it is the goroutine of the caller that ends.
func TestGoexitOnAnInline(t *testing.T) {
	var failures []error
	ex := newInline(t, executor.WithErrorHandler(func(err error) { failures = append(failures, err) }))
	launches := map[string]func(){
		"Go":       func() { _ = coro.Go(ex, leaving, none{}) },
		"RunAsync": func() { _ = coro.RunAsync(ex, coro.Allocator(new(arena.Heap)))(leaving.With(none{})) },
	}
	for name, launch := range launches {
		t.Run(name, func(t *testing.T) {
			failures = nil
			require.False(t, onGoroutine(launch), "the goroutine ended")
			require.Len(t, failures, 1)
			requireGoexit(t, failures[0], "leaving")
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
	t.Run("Run", func(t *testing.T) {
		require.False(t, onGoroutine(func() {
			_, _ = coro.Run(context.Background(), ex, leaving.With(none{}))
		}))
		require.Zero(t, liveIn(ex.Arena()))
	})
	got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: 3}))
	require.NoError(t, err, "the executor goes on")
	require.Equal(t, 4, got)
}

// What the goroutine would have run runs before it ends: the parents, and what is
// in the queue, whether that ends goroutines too or not.
func TestGoexitLeavesNothingToRun(t *testing.T) {
	ran := 0
	ends := coro.Define("ends", func(f *coro.Frame[int, none]) coro.Step {
		ran++
		if f.State == 0 {
			runtime.Goexit()
		}
		return f.Return(none{})
	})
	var ex *executor.Inline
	parents := 0
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		switch f.At() {
		case 0:
			for i := range 1000 {
				if err := coro.Go(ex, ends, i%2); err != nil {
					return f.Fail(err)
				}
			}
			return coro.Await(f, 1, leaving, none{}, nil)
		case 1:
			return coro.Yield(f, 2)
		default:
			parents++
			return f.Return(none{})
		}
	})
	failed := 0
	ex = newInline(t, executor.WithErrorHandler(func(error) { failed++ }))
	atTheEnd := 0
	require.False(t, onGoroutine(func() {
		defer func() { atTheEnd = liveIn(ex.Arena()) }()
		_ = coro.Go(ex, root, none{})
	}))
	require.Zero(t, atTheEnd)
	require.Equal(t, 1000, ran)
	require.Equal(t, 500, failed)
	require.Equal(t, 1, parents)
}

// A chain ends as many goroutines as it likes: no stack grows with them.
func TestGoexitManyTimesInAChain(t *testing.T) {
	n := 100_000
	if testing.Short() {
		n = 2000
	}
	ex := newInline(t, executor.WithErrorHandler(func(err error) { t.Error(err) }))
	var failed int
	root := coro.Define("root", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, awaitsLeaving, struct{ left, failed int }{left: n}, &f.State)
		}
		failed = f.State
		return f.Return(none{})
	})
	require.False(t, onGoroutine(func() { _ = coro.Go(ex, root, 0) }))
	require.Equal(t, n, failed)
}

func TestGoexitAfterAwaitFreesTheChild(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[[200]byte, none]) coro.Step { return f.Return(none{}) })
	root := coro.Define("root", func(f *coro.Frame[none, none]) coro.Step {
		step := coro.Await(f, 1, leaf, [200]byte{}, nil)
		if f.At() == 1 { // always
			leave()
		}
		return step
	})
	var failure error
	ex := newInline(t)
	r := newRecorder(ex.Arena())
	onError := coro.OnError(func(err error) { failure = err })
	require.False(t, onGoroutine(func() { _ = coro.RunAsync(ex, onError)(root.With(none{})) }))
	requireGoexit(t, failure, "root")
	require.Zero(t, liveIn(ex.Arena()))
	require.False(t, onGoroutine(func() { _ = coro.RunAsync(ex, onError, coro.Allocator(r))(root.With(none{})) }))
	requireGoexit(t, failure, "root")
	r.requireDone(t, root.FrameSize(), leaf.FrameSize())
}

// A panic and a Goexit in one chain, in both orders.
func TestGoexitAndPanic(t *testing.T) {
	k := coro.Define("both", func(f *coro.Frame[bool, int]) coro.Step {
		first, second := leaving, exploding
		if f.State {
			first, second = second, first
		}
		switch f.At() {
		case 0:
			return coro.Await(f, 1, first, none{}, nil)
		case 1:
			if errors.Is(f.Err(), coro.ErrGoexit) == f.State {
				return f.Fail(errLeaf)
			}
			return coro.Await(f, 2, second, none{}, nil)
		default:
			if errors.Is(f.Err(), coro.ErrGoexit) != f.State {
				return f.Fail(errLeaf)
			}
			if f.State {
				leave()
			}
			panic("boom")
		}
	})
	ex := newPool(t, executor.WithWorkers(1))
	_, err := coro.Run(context.Background(), ex, k.With(true))
	requireGoexit(t, err, "both")
	_, err = coro.Run(context.Background(), ex, k.With(false))
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Equal(t, "boom", p.Value)
}

// A handler that calls Goexit, as an assertion in it may, is not a task's.
func TestGoexitInAHandler(t *testing.T) {
	fail := coro.Define("fail", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errLeaf) })
	t.Run("inline", func(t *testing.T) {
		calls := 0
		ex := newInline(t, executor.WithErrorHandler(func(error) { calls++; runtime.Goexit() }))
		require.False(t, onGoroutine(func() { _ = coro.Go(ex, fail, none{}) }))
		require.Equal(t, 1, calls)
		require.NoError(t, coro.Go(ex, workloads.ChainLeaf, none{}))
	})
	t.Run("pool", func(t *testing.T) {
		ex := newPool(t, executor.WithWorkers(1), executor.WithErrorHandler(func(error) { runtime.Goexit() }))
		for range 50 {
			require.NoError(t, coro.Go(ex, fail, none{}))
			got, err := coro.Run(context.Background(), ex, generations.With(struct{ deeper, result int }{deeper: 3}))
			require.NoError(t, err)
			require.Equal(t, 4, got)
		}
	})
	t.Run("after a Goexit in a step", func(t *testing.T) {
		ex := newPool(t, executor.WithWorkers(1), executor.WithErrorHandler(func(error) { runtime.Goexit() }))
		passes := coro.Define("passes", func(f *coro.Frame[none, none]) coro.Step {
			if f.At() == 0 {
				return coro.Await(f, 1, leaving, none{}, nil)
			}
			return f.Fail(f.Err())
		})
		for range 50 {
			require.NoError(t, coro.Go(ex, passes, none{}))
			_, err := coro.Run(context.Background(), ex, workloads.ChainLeaf.With(none{}))
			require.NoError(t, err)
		}
	})
}

func ExampleErrGoexit() {
	careless := coro.Define("careless", func(f *coro.Frame[int, int]) coro.Step {
		runtime.Goexit()
		return f.Return(1)
	})
	pool := executor.NewPool()
	defer pool.Close()
	_, err := coro.Run(context.Background(), pool, careless.With(0))
	fmt.Println(errors.Is(err, coro.ErrGoexit))

	// Output:
	// true
}

// A task that is woken and ends the goroutine of the Set keeps no other from being woken,
// and the executor from being closed, although Set does not return.
func TestGoexitOfAWokenTask(t *testing.T) {
	var event coro.Event
	waits := coro.Define("waits", func(f *coro.Frame[bool, none]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		if f.State {
			leave()
		}
		return f.Return(none{})
	})
	var executors []*executor.Inline
	var ended []*coro.Handle[none]
	for i := range 4 {
		ex := executor.NewInline()
		executors = append(executors, ex)
		handle, err := coro.Start(ex, waits.With(i%2 == 0))
		require.NoError(t, err)
		ended = append(ended, handle)
	}
	require.False(t, onGoroutine(event.Set))
	for i, handle := range ended {
		_, err := handle.Wait(context.Background())
		if i%2 == 0 {
			require.ErrorIs(t, err, coro.ErrGoexit)
		} else {
			require.NoError(t, err)
		}
	}
	for _, ex := range executors {
		require.NoError(t, ex.Close())
	}
}

// The same with what timers wake, several of them at one time.
func TestGoexitOfATaskThatSlept(t *testing.T) {
	clock := newRingingClock()
	ex := executor.NewInline(executor.WithClock(clock))
	sleeps := coro.Define("sleeps", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Hour)
		}
		leave()
		return f.Return(none{})
	})
	expires := coro.Define("expires", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, sleeps.With(0), nil, coro.Timeout(time.Hour/2))
		}
		return f.Fail(f.Err())
	})
	var handles []*coro.Handle[none]
	for i := range 300 { // more than are fired at a time
		call := sleeps.With(i)
		if i%3 == 0 {
			call = expires.With(i)
		}
		handle, err := coro.Start(ex, call)
		require.NoError(t, err)
		handles = append(handles, handle)
	}
	for clock.ring(2 * time.Hour) {
	}
	for _, handle := range handles {
		_, err := handle.Wait(context.Background())
		require.ErrorIs(t, err, coro.ErrGoexit)
	}
	require.NoError(t, ex.Close())
}

// ringingClock is a clock with one alarm, which goes off when a test says so.
type ringingClock struct {
	mu  sync.Mutex
	now time.Duration
	f   func()
	at  time.Duration // when it goes off; negative: never
}

func newRingingClock() *ringingClock { return &ringingClock{at: -1} }

func (c *ringingClock) Exact() bool { return true }

func (c *ringingClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *ringingClock) NewAlarm(f func()) coro.Alarm {
	c.f = f
	return c
}

func (c *ringingClock) Reset(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.at >= 0
	c.at = c.now + d
	return was
}

func (c *ringingClock) Stop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.at >= 0
	c.at = -1
	return was
}

// ring makes it that late, and the alarm go off if it should have by then, which it reports.
func (c *ringingClock) ring(now time.Duration) bool {
	c.mu.Lock()
	c.now = max(c.now, now)
	due := c.at >= 0 && c.at <= c.now+time.Second // the time that fire may take
	if due {
		c.now = max(c.now, c.at)
		c.at = -1
	}
	c.mu.Unlock()
	if due {
		onGoroutine(c.f)
	}
	return due
}
