package task_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// together runs a script of each of n functions at the same time: half of them in tasks, half on
// goroutines.
func together(t *testing.T, n int, of func(i int) *script[task.None]) {
	ex := executor.NewPool(executor.WithWorkers(2))
	defer func() { require.NoError(t, ex.Close()) }()
	handles := make([]task.Handle[int], n)
	for i := range handles {
		var opts []task.Option
		if i%2 == 0 {
			opts = modes["on a goroutine"]
		}
		h, err := task.Start(ex, task.Call1(playNone, of(i)), opts...)
		require.NoError(t, err)
		handles[i] = h
	}
	for _, h := range handles {
		_, err := h.WaitContext(context.Background())
		require.NoError(t, err)
	}
}

// unsuccessful says what a wait is that does not succeed by itself, and how it is ended.
type unsuccessful struct {
	name string
	wait func(*task.T) error
}

// neverDone returns a wait for each primitive that does not end by itself.
func neverDone() []unsuccessful {
	var m task.Mutex
	m.TryLock()
	var rw task.RWMutex
	rw.TryLock()
	var l task.Mutex
	c := task.NewCond(&l)
	ch := task.NewChan[int](0)
	var e task.Event
	s := task.NewSemaphore(1)
	s.TryAcquire(1)
	var wg task.WaitGroup
	wg.Add(1)
	return []unsuccessful{
		{"Sleep", func(t *task.T) error { return t.Sleep(time.Hour) }},
		{"Mutex", m.Lock},
		{"RWMutex.Lock", rw.Lock},
		{"RWMutex.RLock", rw.RLock},
		{"Cond", func(t *task.T) error { l.TryLock(); return c.Wait(t) }},
		{"Chan.Send", func(t *task.T) error { return ch.Send(t, 1) }},
		{"Event", e.Wait},
		{"Semaphore", func(t *task.T) error { return s.Acquire(t, 1) }},
		{"WaitGroup", wg.Wait},
		{"Suspend", func(t *task.T) error { return task.Suspend(t, func(task.Waker) {}) }},
		{"SendTo", func(t *task.T) error { return task.SendTo(t, make(chan int), 1) }},
	}
}

// The end of the context ends every wait, in both modes.
func TestCancellation(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		for _, never := range neverDone() {
			h, err := task.Start(ex, task.Call1(playNone, errorsOf(never.wait)), opts...)
			require.NoError(t, err)
			untilWaiting(ex, opts, 1)
			h.Cancel(errTest)
			_, err = h.WaitContext(context.Background())
			require.ErrorIs(t, err, errTest, never.name)
		}
		ch := task.NewChan[int](0)
		h := task.Handle[int]{}
		for _, wait := range []func(*task.T) (int, error){
			ch.Recv,
			func(tt *task.T) (int, error) { return task.RecvFrom(tt, make(chan int)) },
			func(tt *task.T) (int, error) { return task.Select(tt, task.Recv(ch, nil), task.After(time.Hour)) },
			func(tt *task.T) (int, error) { return task.Select(tt) },
		} {
			var got []int
			var err error
			h, err = task.Start(ex, task.Call1(playInts, collect(&got, wait)), opts...)
			require.NoError(t, err)
			untilWaiting(ex, opts, 1)
			h.Cancel(errTest)
			_, err = h.WaitContext(context.Background())
			require.ErrorIs(t, err, errTest)
			require.Empty(t, got)
		}
	})
}

// The end of the executor ends every wait, and the deferred calls run.
func TestCloseEndsWaits(t *testing.T) {
	inModes(t, func(t *testing.T, opts ...task.Option) {
		for _, never := range neverDone() {
			ex := executor.NewPool(executor.WithWorkers(1))
			deferred := 0
			s := errorsOf(never.wait, func(*task.T) error { panic("went on") })
			s.after = func() { deferred++ }
			h, err := task.Start(ex, task.Call1(playNone, s), opts...)
			require.NoError(t, err)
			untilWaiting(ex, opts, 1)
			require.NoError(t, ex.Close())
			_, err = h.WaitContext(context.Background())
			require.ErrorIs(t, err, task.ErrClosed, never.name)
			require.Equal(t, 1, deferred, never.name)
		}
	})
}

func TestMutex(t *testing.T) {
	var m task.Mutex
	n := 0
	together(t, 10, func(int) *script[task.None] {
		return errorsOf(repeat(50, func(tt *task.T) error {
			if m.TryLock() {
				n++
				m.Unlock()
			}
			return tt.Yield()
		})...)
	})
	require.Positive(t, n)
	n = 0
	together(t, 10, func(int) *script[task.None] {
		s := errorsOf(repeat(50, m.Lock)...)
		s.done = func(_ int, _ task.None, err error) error {
			n++
			m.Unlock()
			return err
		}
		return s
	})
	require.Equal(t, 500, n)
	require.Panics(t, m.Unlock)
}

func TestRWMutex(t *testing.T) {
	var m task.RWMutex
	n, readers := 0, 0
	var mu sync.Mutex
	together(t, 10, func(i int) *script[task.None] {
		write := i < 4
		lock := m.RLock
		if write {
			lock = m.Lock
		}
		s := errorsOf(repeat(50, lock)...)
		s.done = func(_ int, _ task.None, err error) error {
			if write {
				require.Zero(t, readers)
				n++
				m.Unlock()
				return err
			}
			mu.Lock()
			readers++
			mu.Unlock()
			runtime.Gosched()
			mu.Lock()
			readers--
			mu.Unlock()
			m.RUnlock()
			return err
		}
		return s
	})
	require.Equal(t, 200, n)

	require.True(t, m.TryRLock())
	require.True(t, m.TryRLock())
	require.False(t, m.TryLock())
	m.RUnlock()
	m.RUnlock()
	require.Panics(t, m.RUnlock)
	require.True(t, m.TryLock())
	require.False(t, m.TryRLock())
	m.Unlock()
	require.Panics(t, m.Unlock)
}

// A reader waits behind a writer, and goes on if the writer is cancelled.
func TestRWMutexWithdrawalServesTheNext(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		var m task.RWMutex
		require.True(t, m.TryRLock())
		writer, err := task.Start(ex, task.Call1(playNone, errorsOf(m.Lock)), opts...)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			if m.TryRLock() {
				m.RUnlock()
				return false
			}
			return true
		}, time.Second*10, time.Millisecond)
		reader, err := task.Start(ex, task.Call1(playNone, errorsOf(m.RLock)), opts...)
		require.NoError(t, err)
		writer.Cancel(nil)
		_, err = writer.WaitContext(context.Background())
		require.ErrorIs(t, err, context.Canceled)
		_, err = reader.WaitContext(context.Background())
		require.NoError(t, err)
		m.RUnlock()
		m.RUnlock()
		require.True(t, m.TryLock())
	})
}

// A function has the mutex after a Wait, whether that has succeeded or not.
func TestCond(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		var m task.Mutex
		c := task.NewCond(&m)
		set := false
		waiting := func() *script[task.None] {
			s := errorsOf(m.Lock, c.Wait)
			done := s.done
			s.done = func(i int, r task.None, err error) error {
				if i == 1 {
					require.False(t, m.TryLock())
					require.Equal(t, err == nil, set)
					m.Unlock()
				}
				return done(i, r, err)
			}
			return s
		}
		start := func() task.Handle[int] {
			h, err := task.Start(ex, task.Call1(playNone, waiting()), opts...)
			require.NoError(t, err)
			return h
		}
		h := start()
		untilWaiting(ex, opts, 1)
		h.Cancel(errTest)
		_, err := h.WaitContext(context.Background())
		require.ErrorIs(t, err, errTest)

		a, b := start(), start()
		untilWaiting(ex, opts, 2)
		_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(m.Lock, func(*task.T) error {
			set = true
			c.Signal()
			c.Broadcast()
			m.Unlock()
			return nil
		})))
		require.NoError(t, err)
		for _, h := range []task.Handle[int]{a, b} {
			_, err = h.WaitContext(context.Background())
			require.NoError(t, err)
		}

		_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(c.Wait)), opts...)
		require.ErrorContains(t, err, "Mutex is not locked")
	})
}

func TestSemaphore(t *testing.T) {
	s := task.NewSemaphore(3)
	var mu sync.Mutex
	free := 3
	together(t, 10, func(i int) *script[task.None] {
		n := 1 + i%3
		sc := errorsOf(repeat(50, func(tt *task.T) error { return s.Acquire(tt, int64(n)) })...)
		sc.done = func(_ int, _ task.None, err error) error {
			mu.Lock()
			free -= n
			require.GreaterOrEqual(t, free, 0)
			free += n
			mu.Unlock()
			s.Release(int64(n))
			return err
		}
		return sc
	})
	require.True(t, s.TryAcquire(3))
	inModes(t, func(t *testing.T, opts ...task.Option) {
		ex := executor.NewInline()
		defer func() { require.NoError(t, ex.Close()) }()
		_, err := task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(func(tt *task.T) error { return s.Acquire(tt, 4) })), opts...)
		require.ErrorContains(t, err, "not as many permits")
	})
}

func TestEventAndWaitGroup(t *testing.T) {
	var e task.Event
	var wg task.WaitGroup
	wg.Add(5)
	together(t, 10, func(i int) *script[task.None] {
		if i < 5 {
			return errorsOf(func(tt *task.T) error { return tt.Yield() }, func(*task.T) error { wg.Done(); return nil }, e.Wait, e.Wait)
		}
		return errorsOf(wg.Wait, wg.Wait, func(*task.T) error { e.Set(); return nil })
	})
	require.True(t, e.IsSet())
	e.Reset()
	require.False(t, e.IsSet())
}

func TestChan(t *testing.T) {
	for _, capacity := range []int{0, 3} {
		c := task.NewChan[string](capacity)
		require.Equal(t, capacity, c.Cap())
		var mu sync.Mutex
		var got []string
		ex := executor.NewPool(executor.WithWorkers(2))
		var handles []task.Handle[int]
		for i := range 4 {
			opts := modes["on a goroutine"][:i%2]
			h, err := task.Start(ex, task.Call1(playNone, errorsOf(repeat(50, func(tt *task.T) error { return c.Send(tt, "value") })...)), opts...)
			require.NoError(t, err)
			handles = append(handles, h)
		}
		var receivers []task.Handle[int]
		for i := range 4 {
			opts := modes["on a goroutine"][:i%2]
			h, err := task.Start(ex, task.Call1(playStrings, &script[string]{
				calls: repeat(1000, c.Recv),
				done: func(_ int, v string, err error) error {
					if err != nil {
						require.Empty(t, v)
						return err
					}
					mu.Lock()
					defer mu.Unlock()
					got = append(got, v)
					return nil
				},
			}), opts...)
			require.NoError(t, err)
			receivers = append(receivers, h)
		}
		for _, h := range handles {
			_, err := h.WaitContext(context.Background())
			require.NoError(t, err)
		}
		c.Close()
		for _, h := range receivers {
			_, err := h.WaitContext(context.Background())
			require.ErrorIs(t, err, task.ErrChanClosed)
		}
		require.Len(t, got, 200)
		for _, v := range got {
			require.Equal(t, "value", v)
		}
		require.Zero(t, c.Len())
		require.NoError(t, ex.Close())
	}
}

// A sender that waits when the channel is closed gets an error, one that comes later panics.
func TestSendToAClosedChan(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		c := task.NewChan[int](0)
		send := func(tt *task.T) error { return c.Send(tt, 1) }
		h, err := task.Start(ex, task.Call1(playNone, errorsOf(send)), opts...)
		require.NoError(t, err)
		untilWaiting(ex, opts, 1)
		c.Close()
		_, err = h.WaitContext(context.Background())
		require.ErrorIs(t, err, task.ErrChanClosed)
		_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(send)), opts...)
		var p *coro.PanicError
		require.ErrorAs(t, err, &p)
	})
}

func TestAll(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	c := task.NewChan[int](3)
	for i := range 3 {
		require.True(t, c.TrySend(i))
	}
	v, ok := c.TryRecv()
	require.True(t, ok)
	require.Zero(t, v)
	c.Close()
	var got []int
	_, err := task.Run(context.Background(), ex, task.Do0(func(t *task.T) error {
		for v := range c.All(t) {
			got = append(got, v)
		}
		return nil
	}))
	require.NoError(t, err)
	require.Equal(t, []int{1, 2}, got)

	// In a task, a loop that was not compiled is a mistake.
	empty := task.NewChan[int](0)
	_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(func(t *task.T) error {
		for range empty.All(t) {
		}
		return nil
	})))
	require.ErrorContains(t, err, "Chan.All that framearena gen has not compiled")
}

func TestSelect(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		a, b := task.NewChan[string](0), task.NewChan[int](0)
		var e task.Event
		v := new(string)
		var got []int
		sel := func(cases ...task.Case) func(*task.T) (int, error) {
			return func(tt *task.T) (int, error) { return task.Select(tt, cases...) }
		}
		run := func(call func(*task.T) (int, error), meanwhile func()) error {
			h, err := task.Start(ex, task.Call1(playInts, collect(&got, call)), opts...)
			require.NoError(t, err)
			meanwhile()
			_, err = h.WaitContext(context.Background())
			return err
		}
		nothing := func() {}
		require.NoError(t, run(sel(task.Recv(a, v), task.Default()), nothing))
		require.NoError(t, run(sel(task.Recv(a, v), task.After(time.Millisecond), task.Done(&e)), nothing))
		require.NoError(t, run(sel(task.Done(&e), task.Recv(a, v)), func() {
			for !a.TrySend("sent") {
				runtime.Gosched()
			}
		}))
		require.Equal(t, "sent", *v)
		require.NoError(t, run(sel(task.Recv(a, v), task.Done(nil), task.Send(b, 7)), func() {
			for {
				if n, ok := b.TryRecv(); ok {
					require.Equal(t, 7, n)
					return
				}
				runtime.Gosched()
			}
		}))
		require.NoError(t, run(sel(task.Recv(a, v), task.Done(&e)), e.Set))
		require.Equal(t, []int{1, 1, 1, 2, 1}, got)
		b.Close()
		require.ErrorIs(t, run(sel(task.Recv(b, nil), task.Recv(a, v)), nothing), task.ErrChanClosed)
		require.ErrorIs(t, run(sel(task.Send(b, 1)), nothing), task.ErrChanClosed)
	})
}

func TestOffloads(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		c, full := make(chan string, 1), make(chan string)
		c <- "ready"
		var got []string
		recv := func(tt *task.T) (string, error) { return task.RecvFrom(tt, c) }
		_, err := task.Run(context.Background(), ex, task.Call1(playStrings, collect(&got,
			func(tt *task.T) (string, error) {
				return task.Block(tt, func() (string, error) { return "blocked", nil })
			},
			recv,
			func(tt *task.T) (string, error) {
				time.AfterFunc(time.Millisecond, func() { c <- "later" })
				return recv(tt)
			},
			func(tt *task.T) (string, error) { return "sent", task.SendTo(tt, c, "value") },
			recv,
			func(*task.T) (string, error) { close(c); return "", nil },
			recv,
		)), opts...)
		require.ErrorIs(t, err, task.ErrChanClosed)
		require.Equal(t, []string{"blocked", "ready", "later", "sent", "value", ""}, got)

		sent := make(chan string, 1)
		go func() { sent <- <-full }()
		_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(
			func(tt *task.T) error { return task.SendTo(tt, full, "waited") },
			func(tt *task.T) error {
				_, err := task.Block(tt, func() (int, error) { return 0, errTest })
				return err
			},
		)), opts...)
		require.ErrorIs(t, err, errTest)
		require.Equal(t, "waited", <-sent)

		_, err = task.Run(context.Background(), ex, task.Call1(playStrings, collect(&got, func(tt *task.T) (string, error) {
			return task.Block(tt, func() (string, error) { panic("in fn") })
		})), opts...)
		require.ErrorContains(t, err, "in fn")
	})
}

func TestSuspend(t *testing.T) {
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		var late task.Waker
		_, err := task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(
			func(tt *task.T) error { return task.Suspend(tt, func(w task.Waker) { w.Wake(); late = w }) },
			func(tt *task.T) error {
				return task.Suspend(tt, func(w task.Waker) { time.AfterFunc(time.Millisecond, func() { w.Wake() }) })
			},
			func(*task.T) error { late.Wake(); return nil },
		)), opts...)
		require.NoError(t, err)
	})
}

func TestOnce(t *testing.T) {
	for _, want := range []error{nil, errTest} {
		var o task.Once
		calls := 0
		inner := func(tt *task.T) error {
			calls++
			for range 3 {
				if err := tt.Yield(); err != nil {
					return err
				}
			}
			return want
		}
		together(t, 10, func(int) *script[task.None] {
			s := errorsOf(func(tt *task.T) error { return o.Do(tt, inner) }, func(tt *task.T) error { return o.Do(tt, inner) })
			s.done = func(_ int, _ task.None, err error) error {
				require.Equal(t, want, err)
				return nil
			}
			return s
		})
		require.Equal(t, 1, calls)
	}
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		var o task.Once
		_, err := task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(func(tt *task.T) error {
			return o.Do(tt, func(*task.T) error { panic("message") })
		})), opts...)
		require.ErrorContains(t, err, "message")
		_, err = task.Run(context.Background(), ex, task.Call1(playNone, errorsOf(func(tt *task.T) error {
			return o.Do(tt, func(*task.T) error { return nil })
		})), opts...)
		require.ErrorContains(t, err, "has panicked")
	})
}

func TestSeq(t *testing.T) {
	numbers := func(t *task.T, yield func(*task.T, int) error) error {
		for i := range 3 {
			if err := t.Sleep(time.Microsecond); err != nil {
				return err
			}
			if err := yield(t, i); err != nil {
				return err
			}
		}
		return errTest
	}
	var got []int
	var err error
	for v, e := range task.Seq(numbers) {
		if err = e; e == nil {
			got = append(got, v)
		}
	}
	require.Equal(t, []int{0, 1, 2}, got)
	require.ErrorIs(t, err, errTest)

	for v, e := range task.Seq(numbers) {
		require.NoError(t, e)
		if v == 1 {
			break
		}
	}
	ended := false
	for range task.Seq(func(t *task.T, yield func(*task.T, int) error) error {
		ended = yield(t, 1) == task.ErrLoopEnded && yield(t, 2) == task.ErrLoopEnded
		return nil
	}) {
		break
	}
	require.True(t, ended)
}

// Tasks written by hand and task functions await each other.
func TestAwait(t *testing.T) {
	byHand := coro.Define("by hand", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			return coro.Yield(f, 1)
		default:
			switch f.State {
			case 1:
				return f.Fail(errTest)
			case 2:
				panic("by hand")
			}
			return f.Return(f.State)
		}
	})
	everywhere(t, func(t *testing.T, ex closer, opts ...task.Option) {
		var got []int
		run := func(n int) error {
			_, err := task.Run(context.Background(), ex, task.Call1(playInts, collect(&got, func(tt *task.T) (int, error) {
				return task.Await(tt, byHand.With(n))
			})), opts...)
			return err
		}
		require.NoError(t, run(7))
		require.Equal(t, []int{7}, got)
		require.ErrorIs(t, run(1), errTest)
		require.ErrorContains(t, run(2), "by hand")
	})

	type state struct{ n int }
	compiled := errorsOf(func(tt *task.T) error { return tt.Yield() })
	for name, call := range map[string]func() task.Call[int]{
		"compiled":     func() task.Call[int] { return task.Call1(playNone, compiled) },
		"not compiled": func() task.Call[int] { return task.Call0(func(tt *task.T) (int, error) { return 1, tt.Yield() }) },
	} {
		t.Run(name, func(t *testing.T) {
			ex := executor.NewInline()
			defer func() { require.NoError(t, ex.Close()) }()
			k := coro.Define("awaiting", func(f *coro.Frame[state, int]) coro.Step {
				if f.At() == 0 {
					return task.AwaitStep(f, 1, call(), &f.State.n)
				}
				return coro.ReturnBoth(f, f.State.n, f.Err())
			})
			n, err := coro.Run(context.Background(), ex, k.With(state{}))
			require.NoError(t, err)
			require.Equal(t, 1, n)
		})
	}
}
