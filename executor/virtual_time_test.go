package executor_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/testkit/testclock"
	"github.com/framearena/framearena/slab"
)

// napping sleeps for its state and calls after.
func napping(after func(d time.Duration)) *coro.Kind[time.Duration, none] {
	return coro.Define("nap", func(f *coro.Frame[time.Duration, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, f.State)
		}
		after(f.State)
		return f.Return(none{})
	})
}

// Tasks wake at the nanosecond, in the order of their times and then of their sleeping; each
// does so once.
func TestVirtualTimeIsExact(t *testing.T) {
	for seed := range uint64(scaled(30)) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := executor.NewLoop(executor.WithVirtualTime())
		require.Zero(t, l.Now())
		type event struct {
			when  time.Duration
			order int
		}
		var want, got []event
		type state struct {
			when   time.Duration
			order  int
			rounds int
		}
		order := 0
		nap := func(s *state) time.Duration {
			d := time.Duration(random.Int64N(8))
			switch random.IntN(3) {
			case 0:
				d *= time.Hour
			case 1:
				d *= time.Microsecond
			}
			d++ // 0 is no sleep
			order++
			s.when, s.order = l.Now()+d, order
			want = append(want, event{s.when, s.order})
			return d
		}
		k := coro.Define("naps", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				require.Equal(t, s.when, l.Now())
				got = append(got, event{s.when, s.order})
			}
			if s.rounds--; s.rounds < 0 {
				return f.Return(none{})
			}
			return coro.Sleep(f, 1, nap(s))
		})
		for range 100 {
			require.NoError(t, coro.Go(l, k, state{rounds: 5}))
		}
		require.Equal(t, 600, l.RunUntilIdle())
		slices.SortFunc(want, func(a, b event) int { return cmp.Or(cmp.Compare(a.when, b.when), cmp.Compare(a.order, b.order)) })
		require.Equal(t, want, got)
		require.Equal(t, got[len(got)-1].when, l.Now())
		require.Zero(t, l.RunUntilIdle())
		require.NoError(t, l.Close())
	}
}

// RunFor moves the time by its argument; RunOne and Run move it to the next timer.
func TestVirtualTimeGoesOn(t *testing.T) {
	l := executor.NewLoop(executor.WithVirtualTime())
	var woken []time.Duration
	nap := napping(func(time.Duration) { woken = append(woken, l.Now()) })
	for _, d := range []time.Duration{3, 1, 2, 2} {
		require.NoError(t, coro.Go(l, nap, d*time.Hour))
	}
	require.Equal(t, 4, l.RunFor(0))
	require.Zero(t, l.Now())
	require.Equal(t, 1, l.RunFor(time.Hour))
	require.Equal(t, time.Hour, l.Now())
	require.Zero(t, l.RunFor(time.Hour-1))
	require.Zero(t, l.RunFor(-5))
	require.Equal(t, 2*time.Hour-1, l.Now())
	require.True(t, l.RunOne())
	require.Equal(t, 2*time.Hour, l.Now())
	require.True(t, l.RunOne())
	require.Equal(t, 2*time.Hour, l.Now())
	ctx, cancel := context.WithCancel(context.Background())
	last := napping(func(time.Duration) { cancel() })
	require.NoError(t, coro.Go(l, last, 2*time.Hour))
	require.Equal(t, context.Canceled, l.Run(ctx))
	require.Equal(t, 4*time.Hour, l.Now())
	require.False(t, l.RunOne())
	require.Zero(t, l.RunFor(math.MaxInt64))
	require.Equal(t, time.Duration(math.MaxInt64), l.Now())
	require.Equal(t, []time.Duration{time.Hour, 2 * time.Hour, 2 * time.Hour, 3 * time.Hour}, woken)
	require.NoError(t, l.Close())
	require.Zero(t, l.RunUntilIdle())
	require.Zero(t, l.RunFor(time.Hour))
	require.False(t, l.RunOne())
}

// The time does not jump to a timeout that was removed. Other timeouts fire in time.
func TestVirtualTimeouts(t *testing.T) {
	l := executor.NewLoop(executor.WithVirtualTime())
	type state struct {
		nap, limit time.Duration
	}
	var ends []string
	nap := napping(func(time.Duration) {})
	napOrLeave := coro.Define("leave", func(f *coro.Frame[time.Duration, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	k := coro.Define("limits", func(f *coro.Frame[state, none]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, napOrLeave.With(s.nap), nil, coro.Timeout(s.limit))
		}
		ends = append(ends, fmt.Sprint(l.Now(), " ", f.Err()))
		return f.Return(none{})
	})
	for _, s := range []state{{time.Second, time.Hour}, {time.Hour, 2 * time.Second}, {time.Minute, 1000 * time.Hour}} {
		require.NoError(t, coro.Go(l, k, s))
	}
	l.RunUntilIdle()
	require.Equal(t, []string{"1s <nil>", "2s context deadline exceeded", "1m0s <nil>"}, ends)
	require.Equal(t, time.Minute, l.Now())
	require.NoError(t, coro.Go(l, nap, time.Second))
	l.RunUntilIdle()
	require.Equal(t, time.Minute+time.Second, l.Now())
	require.NoError(t, l.Close())
}

// Strands on the Loop have its clock, and Drain runs a simulation to its end.
func TestDrainWithVirtualTime(t *testing.T) {
	l := executor.NewLoop(executor.WithVirtualTime())
	s := executor.NewStrand(l)
	var last time.Duration
	nap := napping(func(time.Duration) { last = l.Now() })
	for d := range 100 {
		require.NoError(t, coro.Go(s, nap, time.Duration(d)*time.Hour))
	}
	require.NoError(t, l.Drain(context.Background()))
	require.Equal(t, 99*time.Hour, last)
	require.NoError(t, l.Close())
}

func TestMisusedClocks(t *testing.T) {
	require.PanicsWithValue(t, "executor: NewLoop with WithVirtualTime and WithClock: a Loop has one clock", func() {
		executor.NewLoop(executor.WithVirtualTime(), executor.WithClock(new(testclock.Clock)))
	})
}

func TestWithClock(t *testing.T) {
	onEveryDrainer(t, func(t *testing.T, make func(...executor.BaseOption) drainer) {
		c := new(testclock.Clock)
		ex := make(executor.WithClock(c))
		var woken atomic.Int64
		begun := newSignal()
		k := coro.Define("sleeps", func(f *coro.Frame[time.Duration, none]) coro.Step {
			if f.At() == 0 {
				begun <- none{}
				return coro.Sleep(f, 1, f.State)
			}
			if now := c.Now(); now < f.State {
				t.Errorf("woken at %v", now)
			}
			woken.Add(1)
			return f.Return(none{})
		})
		const hours = 5
		go func() {
			for d := range hours {
				if err := coro.Go(ex, k, time.Duration(d+1)*time.Hour); err != nil {
					t.Error(err)
				}
			}
			if l := loopOf(ex); l != nil {
				l.RunUntilIdle()
			}
		}()
		for range hours {
			<-begun
		}
		require.Zero(t, woken.Load())
		done := newSignal()
		go func() {
			defer close(done)
			if err := ex.Drain(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		for d := 1; woken.Load() < hours; d++ { // the last may be about to sleep
			c.Advance(time.Hour)
			for n := 0; woken.Load() < int64(min(d, hours)) && n < 1000; n++ {
				runtime.Gosched()
			}
		}
		<-done
		require.Equal(t, c.Now(), ex.Environment().Now())
		require.NoError(t, ex.Close())
	})
}

// A sleeping task costs its frame and nothing else, and no timer fires early or twice.
func TestManySleepers(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 10_000
	}
	size := uintptr(128)
	if framecheck.Enabled {
		size *= 2 // what is around a frame is checked
	}
	a := newArena(t, arena.WithMaxBytes(2*size*uintptr(n)+32<<20))
	l := executor.NewLoop(executor.WithVirtualTime(), executor.WithArena(a))
	var woken, early int
	nap := napping(func(d time.Duration) {
		woken++
		if l.Now() < d {
			early++
		}
	})
	sleepers := func(n int) {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			require.NoError(t, coro.Go(l, nap, 1+time.Duration(random.Int64N(int64(10*time.Second)))))
			if i%1000 == 999 {
				l.RunFor(0) // they go to sleep
			}
		}
	}
	sleepers(1000) // makes what is needed once
	l.RunUntilIdle()
	require.Equal(t, 1000, woken)
	woken = 0
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if slab.FromHeap {
			m.HeapAlloc -= uint64(a.Stats().MappedBytes)
		}
		return int64(m.HeapAlloc)
	}
	before := heap()
	base := l.Now()
	sleepers(n)
	require.Zero(t, l.Now()-base)
	after := heap()
	if !slab.FromHeap || n >= 1_000_000 { // otherwise slabs that are reserved are most of it
		require.Less(t, after-before, int64(n)/2+1<<20, "bytes for all")
	}
	s := a.Stats()
	require.Equal(t, uint64(n), s.Total.Live)
	require.Equal(t, uint64(n), s.Classes[bins.ClassOf(size)].Live, "128 bytes for each")
	require.Equal(t, n, l.RunUntilIdle())
	require.Equal(t, n, woken)
	require.Zero(t, early)
	require.NoError(t, l.Close())
}

// With the bubble's time, on a Pool.
func TestPoolInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ex := executor.NewPool(executor.WithWorkers(3))
		begun := time.Now()
		var early, late, limited atomic.Int64
		nap := coro.Define("nap", func(f *coro.Frame[time.Duration, time.Duration]) coro.Step {
			if f.At() == 0 {
				return coro.Sleep(f, 1, f.State)
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(f.State)
		})
		type state struct{ nap, limit, got time.Duration }
		k := coro.Define("limits", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.At() == 0 {
				return coro.AwaitCall(f, 1, nap.With(s.nap), &s.got, coro.Timeout(s.limit))
			}
			if f.Err() != nil {
				limited.Add(1)
			}
			passed, want := time.Since(begun), min(s.nap, s.limit)
			if passed < want {
				early.Add(1)
			}
			if passed > want+time.Millisecond {
				late.Add(1)
			}
			return f.Return(none{})
		})
		const n = 1000
		for i := range n {
			s := state{nap: time.Duration(i) * time.Second, limit: time.Duration(n-i) * time.Second}
			require.NoError(t, coro.Go(ex, k, s))
		}
		require.NoError(t, ex.Drain(context.Background()))
		require.Zero(t, early.Load())
		require.Zero(t, late.Load())
		require.InDelta(t, n/2, limited.Load(), 1)
		require.NoError(t, ex.Close())
	})
}

// A Loop counts tasks as others do.
func TestLoopWithKindStats(t *testing.T) {
	l := executor.NewLoop(executor.WithKindStats())
	k := coro.Define("counted on a Loop", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	require.NoError(t, coro.Go(l, k, none{}))
	l.RunUntilIdle()
	require.True(t, slices.ContainsFunc(slices.Collect(coro.Stats()), func(s coro.KindStats) bool {
		return s.Name == "counted on a Loop" && s.Started == 1
	}))
	require.NoError(t, l.Close())
}
