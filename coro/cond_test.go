package coro_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// newCondWaiter returns a kind whose tasks lock the Mutex, wait once, and tell how that
// went; they keep the Mutex.
func newCondWaiter(c *coro.Cond, told func(id int, err error)) *coro.Kind[int, none] {
	return coro.Define("waiter", func(f *coro.Frame[int, none]) coro.Step {
		switch f.At() {
		case 0:
			return c.L.Lock(f, 1)
		case 1:
			return c.Wait(f, 2)
		default:
			told(f.State, f.Err())
			return f.Return(none{})
		}
	})
}

// Tasks that are signalled get the mutex in turn, first come, first served, and do not
// run before.
func TestCondHandsTheMutexOver(t *testing.T) {
	ex := newInline(t)
	var m coro.Mutex
	c := coro.NewCond(&m)
	var got []int
	k := newCondWaiter(c, func(id int, err error) {
		require.NoError(t, err)
		got = append(got, id)
	})
	for i := range 6 {
		require.NoError(t, coro.Go(ex, k, i))
	}
	require.True(t, m.TryLock(), "Wait unlocks")
	m.Unlock()
	c.Signal() // the mutex is free: it has it
	require.Equal(t, []int{0}, got)
	c.Signal() // it is not
	c.Signal()
	require.Equal(t, []int{0}, got)
	require.False(t, m.TryLock())
	m.Unlock()
	require.Equal(t, []int{0, 1}, got)
	m.Unlock()
	require.Equal(t, []int{0, 1, 2}, got)
	c.Broadcast()
	require.Equal(t, []int{0, 1, 2}, got)
	for i := range 3 {
		m.Unlock()
		require.Len(t, got, 4+i)
	}
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, got)
	m.Unlock()
	c.Signal() // nobody waits, and nobody is to wait for
	c.Broadcast()
	require.True(t, m.TryLock())
	require.Zero(t, liveIn(ex.Arena()))
}

// A Signal that a task has got which is cancelled before it has the mutex goes to
// another one, and so does one that a task of a closed executor has got.
func TestCondLosesNoSignal(t *testing.T) {
	tests := []struct {
		name string
		end  func(ex *manual, cancel context.CancelFunc)
	}{
		{"the context ends", func(ex *manual, cancel context.CancelFunc) { cancel(); ex.await(1) }},
		{"the executor is closed", func(ex *manual, _ context.CancelFunc) { ex.env.CancelWaiting(errCause) }},
		{"the executor is being closed", func(ex *manual, _ context.CancelFunc) { ex.env.CloseGate(errCause) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			first := newManual(t, func(error) {})
			second := newInline(t)
			var m coro.Mutex
			c := coro.NewCond(&m)
			var got []int
			var errs []error
			k := newCondWaiter(c, func(id int, err error) {
				got = append(got, id)
				errs = append(errs, err)
			})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			require.NoError(t, coro.RunAsync(first, coro.Context(ctx))(k.With(0)))
			first.runAll()
			for i := range 3 {
				require.NoError(t, coro.Go(second, k, 1+i))
			}
			require.True(t, m.TryLock())
			c.Signal() // for 0, which waits for the mutex
			c.Signal() // for 1
			tt.end(first, cancel)
			first.runAll()
			m.Unlock()
			m.Unlock()
			if tt.name == "the context ends" {
				require.Equal(t, []int{0, 1, 2}, got)
				require.Equal(t, []error{context.Canceled, nil, nil}, errs)
			} else {
				require.Equal(t, []int{1, 2}, got)
				require.Equal(t, []error{nil, nil}, errs)
			}
			m.Unlock()
			require.True(t, m.TryLock())
			m.Unlock()
			c.Signal()
			require.Equal(t, 3, got[len(got)-1])
			first.env.CancelWaiting(errCause)
			require.Zero(t, liveIn(first.arena))
		})
	}
}

// A task whose context has ended does not wait, and has not the mutex either.
func TestCondAfterTheContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errCause)
	var m coro.Mutex
	c := coro.NewCond(&m)
	_, err := coro.Run(ctx, newInline(t), coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			require.True(t, m.TryLock())
			return c.Wait(f, 1)
		}
		return f.Fail(f.Err())
	}).With(0))
	require.True(t, err == errCause)
	require.True(t, m.TryLock())
}

func TestCondMisuse(t *testing.T) {
	ex := newInline(t)
	var m coro.Mutex
	none := new(coro.Cond)
	tests := []struct {
		name string
		cond *coro.Cond
		want string
	}{
		{"without the mutex", coro.NewCond(&m), `coro: task "task": Wait of a Cond whose Mutex is not locked: lock it, and look at the condition, before each Wait`},
		{"without any", none, "coro: a Cond without a Mutex: make it with NewCond"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step { return tt.cond.Wait(f, 1) })
			_, err := coro.Run(context.Background(), ex, k.With(0))
			requireMisuse(t, err, tt.want)
			require.True(t, m.TryLock(), "it was left unlocked")
			m.Unlock()
			tt.cond.Signal()
			tt.cond.Broadcast()
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
}

// A bounded queue made of a Mutex and two Conds: producers and consumers, and consumers
// that are cancelled at any time. If a Signal got lost, it would stand still.
func TestCondQueue(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		condQueue(t, procs, scaled(2000))
	}
}

func condQueue(t *testing.T, procs, each int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	const size, tasks = 3, 6
	var m coro.Mutex
	notEmpty, notFull := coro.NewCond(&m), coro.NewCond(&m)
	var queue []int // guarded by m, as the rest
	inside, sum := 0, 0
	type state struct{ left int }
	task := func(on *coro.Cond, possible func() bool, do func()) *coro.Kind[state, none] {
		return coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.Err() != nil {
				return f.Return(none{})
			}
			switch f.At() {
			case 0:
				if s.left == 0 {
					return f.Return(none{})
				}
				return m.Lock(f, 1)
			default:
				if inside++; inside != 1 {
					t.Error("two tasks have the mutex")
				}
				if !possible() {
					inside--
					return on.Wait(f, 1)
				}
				do()
				s.left--
				inside--
				m.Unlock()
				return coro.Yield(f, 0)
			}
		})
	}
	produce := task(notFull, func() bool { return len(queue) < size }, func() {
		queue = append(queue, 1)
		notEmpty.Signal()
	})
	consume := task(notEmpty, func() bool { return len(queue) > 0 }, func() {
		sum += queue[0]
		queue = queue[1:]
		notFull.Signal()
	})
	pools := []coro.Executor{newPool(t), newPool(t, executor.WithWorkers(3))}
	var wg sync.WaitGroup
	run := func(ctx context.Context, ex coro.Executor, k *coro.Kind[state, none], n int) {
		wg.Go(func() {
			if _, err := coro.Run(ctx, ex, k.With(state{n})); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range tasks {
		run(context.Background(), pools[i%2], produce, each)
	}
	var stop atomic.Bool
	var guests sync.WaitGroup
	guests.Go(func() { // they come and go, and may take something on their way
		for !stop.Load() {
			ctx, cancel := context.WithCancel(context.Background())
			var both sync.WaitGroup
			both.Go(func() {
				if _, err := coro.Run(ctx, pools[0], consume.With(state{1})); err != nil {
					t.Error(err)
				}
			})
			runtime.Gosched()
			cancel()
			both.Wait()
		}
	})
	steady, cancel := context.WithCancel(context.Background())
	for i := range tasks {
		run(steady, pools[i%2], consume, tasks*each)
	}
	for done := false; !done; runtime.Gosched() {
		if m.TryLock() {
			done = sum == tasks*each
			m.Unlock()
		}
	}
	stop.Store(true)
	guests.Wait()
	cancel()
	wg.Wait()
	require.Equal(t, tasks*each, sum)
	require.Empty(t, queue)
	require.True(t, m.TryLock())
}

func TestAllocationsOfCond(t *testing.T) {
	if race.Enabled {
		return
	}
	ex := newInline(t)
	var m coro.Mutex
	c := coro.NewCond(&m)
	failures := 0
	k := newCondWaiter(c, func(_ int, err error) {
		if err != nil {
			failures++
		}
		m.Unlock()
	})
	run := func() {
		for i := range 5 {
			if coro.Go(ex, k, i) != nil {
				failures++
			}
		}
		c.Signal()
		m.TryLock()
		c.Signal()
		c.Broadcast()
		m.Unlock()
	}
	for range 100 {
		run()
	}
	require.Zero(t, testing.AllocsPerRun(1000, run))
	require.Zero(t, failures)
	require.Zero(t, liveIn(ex.Arena()))
}
