package executor_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// withDelays has the atomic operations of the queues meet in ways that are rare, in
// builds with the tag framecheck.
func withDelays(t *testing.T) {
	executor.SetDelays(func() {
		switch rand.Uint32() % 64 {
		case 0:
			runtime.Gosched()
		case 1:
			for range rand.IntN(500) {
			}
		}
	})
	t.Cleanup(func() { executor.SetDelays(nil) })
}

// Tasks that launch, yield, wake each other and end, on more workers than cores, while
// GOMAXPROCS changes: each runs as often as it should.
func TestPoolStress(t *testing.T) {
	withDelays(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, workers := range []int{1, 2, 3, 8} {
		a := newArena(t)
		ex := executor.NewPool(executor.WithArena(a), executor.WithWorkers(workers))
		pipe := coro.NewChan[int](2)
		var steps, sum atomic.Int64
		var ended sync.WaitGroup
		type leg struct{ left, value int }
		sender := coro.Define("sender", func(f *coro.Frame[leg, none]) coro.Step {
			s := &f.State
			if s.left == 0 {
				ended.Done()
				return f.Return(none{})
			}
			s.left--
			return pipe.Send(f, 0, s.left)
		})
		receiver := coro.Define("receiver", func(f *coro.Frame[leg, none]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				sum.Add(int64(s.value))
			}
			if s.left == 0 {
				ended.Done()
				return f.Return(none{})
			}
			s.left--
			return pipe.Recv(f, 1, &s.value)
		})
		tree := coro.Define("tree", func(f *coro.Frame[int, none]) coro.Step {
			steps.Add(1)
			if f.At() == 0 && f.State > 0 {
				for range 2 {
					if err := coro.Go(ex, f.Kind(), f.State-1); err != nil {
						return f.Fail(err)
					}
				}
				return coro.Yield(f, 1)
			}
			ended.Done()
			return f.Return(none{})
		})
		stop := make(chan none)
		var changer sync.WaitGroup
		changer.Go(func() {
			for n := 1; ; n = n%4 + 1 {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
					runtime.GOMAXPROCS(n)
				}
			}
		})
		rounds := scaled(50)
		const depth, pairs, values = 9, 20, 50
		for range rounds {
			ended.Add(1<<(depth+1) - 1 + 2*pairs)
			require.NoError(t, coro.Go(ex, tree, depth))
			for range pairs {
				require.NoError(t, coro.Go(ex, sender, leg{left: values}))
				require.NoError(t, coro.Go(ex, receiver, leg{left: values}))
			}
			ended.Wait()
		}
		close(stop)
		changer.Wait()
		require.NoError(t, ex.Close())
		require.Equal(t, int64(rounds*(1<<(depth+1)-1+1<<depth-1)), steps.Load())
		require.Equal(t, int64(rounds*pairs*values*(values-1)/2), sum.Load())
		require.Zero(t, a.Stats().Total.Live)
	}
}

// A task posted to an idle pool runs, from whatever goroutine it comes.
func TestPoolWakesForOneTask(t *testing.T) {
	withDelays(t)
	for _, workers := range []int{1, 2, 4} {
		ex := executor.NewPool(executor.WithWorkers(workers))
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for i := range scaled(10000) {
					got, err := coro.Run(context.Background(), ex, echo.With(i))
					if got != i || err != nil {
						t.Errorf("got %d, %v", got, err)
					}
					if i%16 == 0 {
						runtime.Gosched()
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, ex.Close())
	}
}

// Every worker is blocked in a step, several times over, and all other tasks end.
func TestPoolBlockedWorkers(t *testing.T) {
	const workers = 2
	reported := make(chan executor.Blocked, 100)
	ex := executor.NewPool(executor.WithWorkers(workers), executor.WithBlockedLimit(2*time.Millisecond),
		executor.WithBlockedHandler(func(b executor.Blocked) {
			select {
			case reported <- b:
			default:
			}
		}))
	release := make(chan none)
	var inside, ended sync.WaitGroup
	sleepy := coro.Define("sleepy", func(f *coro.Frame[none, none]) coro.Step {
		inside.Done()
		<-release
		time.Sleep(time.Millisecond)
		ended.Done()
		return f.Return(none{})
	})
	inside.Add(3 * workers)
	ended.Add(3 * workers)
	for range 3 * workers {
		require.NoError(t, coro.Go(ex, sleepy, none{}))
	}
	inside.Wait() // more of them than workers
	var others sync.WaitGroup
	others.Add(1000)
	other := coro.Define("other", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State > 0 {
			return coro.Yield(f, 0)
		}
		others.Done()
		return f.Return(none{})
	})
	for range 1000 {
		require.NoError(t, coro.Go(ex, other, 3))
	}
	others.Wait()
	s := ex.Stats()
	require.GreaterOrEqual(t, s.Blocks, uint64(3*workers-1))
	require.Greater(t, len(s.Workers), workers)

	b := <-reported
	require.Equal(t, "sleepy", b.Kind.Name)
	require.GreaterOrEqual(t, b.For, 2*time.Millisecond)
	require.Contains(t, b.Stack, "TestPoolBlockedWorkers.func")

	close(release)
	ended.Wait()
	for len(ex.Stats().Workers) != workers { // they leave when they have come back
		time.Sleep(time.Millisecond)
	}
	require.Zero(t, ex.Stats().Blocked)
	require.NoError(t, ex.Close())
}

// What a step has made ready before it got stuck runs elsewhere.
func TestPoolTakesFromAStuckWorker(t *testing.T) {
	for _, limit := range []time.Duration{0, -1} {
		ex := executor.NewPool(executor.WithWorkers(2), executor.WithBlockedLimit(limit),
			executor.WithErrorHandler(func(error) {}))
		c := coro.NewChan[int](0)
		var got atomic.Int64
		release := make(chan none)
		forever := coro.Define("busy", func(f *coro.Frame[none, none]) coro.Step { return coro.Yield(f, 0) })
		receiver := coro.Define("receiver", func(f *coro.Frame[int, none]) coro.Step {
			if f.At() == 0 {
				return c.Recv(f, 1, &f.State)
			}
			if got.Add(int64(f.State)) == 3 {
				close(release)
			}
			return f.Return(none{})
		})
		// The second value puts the first receiver behind the second one.
		stuck := coro.Define("stuck", func(f *coro.Frame[none, none]) coro.Step {
			switch f.At() {
			case 0:
				return c.Send(f, 1, 1)
			case 1:
				return c.Send(f, 2, 2)
			}
			<-release
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(ex, receiver, 0))
		require.NoError(t, coro.Go(ex, receiver, 0))
		require.NoError(t, coro.Go(ex, forever, none{}))
		_, err := coro.Run(context.Background(), ex, stuck.With(none{}))
		require.NoError(t, err)
		require.Equal(t, int64(3), got.Load())
		go func() { _ = ex.Close() }()
		require.NoError(t, ex.Close())
	}
}

// On one worker, tasks that never suspend, two that only wake each other, and more
// that yield than fit into a queue do not keep others from running.
func TestPoolFairness(t *testing.T) {
	leaf := coro.Define("leaf", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	var stop atomic.Bool
	greedy := coro.Define("greedy", func(f *coro.Frame[none, none]) coro.Step {
		if stop.Load() {
			return f.Return(none{})
		}
		return coro.Await(f, 0, leaf, none{}, nil)
	})
	var mu coro.Mutex
	locking := coro.Define("locking", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 1 {
			mu.Unlock()
		}
		if stop.Load() {
			return f.Return(none{})
		}
		return mu.Lock(f, 1)
	})
	ping, pong := coro.NewChan[int](0), coro.NewChan[int](0)
	player := coro.Define("player", func(f *coro.Frame[struct{ first, v int }, none]) coro.Step {
		s := &f.State
		in, out := ping, pong
		if s.first == 1 {
			in, out = pong, ping
		}
		if f.Err() != nil {
			return f.Return(none{})
		}
		if (f.At()+s.first)%2 == 1 {
			return out.Send(f, f.At()^1, 1)
		}
		return in.Recv(f, f.At()^1, &s.v)
	})
	yielding := coro.Define("yielding", func(f *coro.Frame[none, none]) coro.Step {
		if stop.Load() {
			return f.Return(none{})
		}
		return coro.Yield(f, 0)
	})
	tests := []struct {
		name  string
		start func(ex *executor.Pool) error
	}{
		{"a chain that never suspends", func(ex *executor.Pool) error { return coro.Go(ex, greedy, none{}) }},
		{"waits that are satisfied at once", func(ex *executor.Pool) error { return coro.Go(ex, locking, none{}) }},
		{"two that wake each other", func(ex *executor.Pool) error {
			if err := coro.Go(ex, player, struct{ first, v int }{0, 0}); err != nil {
				return err
			}
			return coro.Go(ex, player, struct{ first, v int }{1, 0})
		}},
		{"many that yield", func(ex *executor.Pool) error {
			for range 1000 {
				if err := coro.Go(ex, yielding, none{}); err != nil {
					return err
				}
			}
			return nil
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stop.Store(false)
			ex := executor.NewPool(executor.WithWorkers(1), executor.WithErrorHandler(func(err error) {
				if err != executor.ErrClosed {
					t.Error(err)
				}
			}))
			require.NoError(t, tt.start(ex))
			for i := range 5 {
				got, err := coro.Run(context.Background(), ex, countTo(i))
				require.NoError(t, err)
				require.Equal(t, i, got)
			}
			stop.Store(true)
			require.NoError(t, ex.Close())
		})
	}
}

// Waits of a chain whose worker is asked to give way, and its children, do not learn
// of the end of a context by that.
func TestPoolPreemptedTasksLearnNothing(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	})
	const rounds = 200
	parent := coro.Define("parent", func(f *coro.Frame[int, int]) coro.Step {
		s := &f.State
		if f.At() == 1 && f.Err() != nil {
			return f.Fail(f.Err())
		}
		if *s == rounds {
			return f.Return(*s)
		}
		*s++
		time.Sleep(50 * time.Microsecond)
		return coro.Await(f, 1, child, none{}, nil)
	})
	got, err := coro.Run(ctx, ex, parent.With(0))
	require.NoError(t, err)
	require.Equal(t, rounds, got)
	require.NoError(t, ex.Close())
}

// A running load is closed at every phase of it: each task that was taken ends.
func TestPoolCloseAtEveryPhase(t *testing.T) {
	withDelays(t)
	a := newArena(t)
	for phase := range scaled(300) {
		var taken, ended atomic.Int64
		ex := executor.NewPool(executor.WithArena(a), executor.WithWorkers(1+phase%4), executor.WithErrorHandler(func(err error) {
			if err != executor.ErrClosed {
				t.Error(err)
			}
			ended.Add(1)
		}))
		c := coro.NewChan[int](1)
		node := coro.Define("node", func(f *coro.Frame[struct{ depth, v int }, none]) coro.Step {
			s := &f.State
			switch f.At() {
			case 0:
				for range min(s.depth, 2) {
					child := *s
					child.depth--
					if coro.Go(ex, f.Kind(), child) == nil {
						taken.Add(1)
					}
				}
				return c.Send(f, 1, s.depth)
			case 1:
				return coro.Yield(f, 2)
			case 2:
				return c.Recv(f, 3, &s.v)
			default:
				ended.Add(1)
				return f.Return(none{})
			}
		})
		if coro.Go(ex, node, struct{ depth, v int }{6, 0}) == nil {
			taken.Add(1)
		}
		for range phase {
			runtime.Gosched()
		}
		require.NoError(t, ex.Close())
		require.Equal(t, taken.Load(), ended.Load())
		require.Zero(t, a.Stats().Total.Live)
	}
}

// An idle pool has no timer that runs, and counts what it did.
func TestPoolStats(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(3))
	for range 10 {
		_, err := coro.Run(context.Background(), ex, countTo(4))
		require.NoError(t, err)
	}
	for !executor.Asleep(ex) {
		time.Sleep(time.Millisecond)
	}
	s := ex.Stats()
	require.Len(t, s.Workers, 3)
	require.Equal(t, 3, s.Idle)
	require.Equal(t, uint64(50), s.Tasks)
	require.GreaterOrEqual(t, s.Parks, uint64(3))
	require.Zero(t, s.Queued)
	require.Zero(t, s.Blocks)
	sum := uint64(0)
	for _, w := range s.Workers {
		sum += w.Tasks
	}
	require.Equal(t, s.Tasks, sum)

	var read executor.PoolStats
	require.NoError(t, json.Unmarshal([]byte(ex.String()), &read))
	require.Equal(t, s, read)

	// It wakes up again, with its monitor.
	got, err := coro.Run(context.Background(), ex, echo.With(1))
	require.NoError(t, err)
	require.Equal(t, 1, got)
	require.NoError(t, ex.Close())
	require.Len(t, ex.Stats().Workers, 3, "also after Close")
}

// Posting, running and going idle allocate nothing.
func TestPoolAllocatesNothing(t *testing.T) {
	ex := executor.NewPool(executor.WithWorkers(2))
	ctx := context.Background()
	allocs := testing.AllocsPerRun(1000, func() {
		if _, err := coro.Run(ctx, ex, echo.With(1)); err != nil {
			t.Error(err)
		}
	})
	if !race.Enabled { // under it, sync.Pool drops what it is given at random
		require.Zero(t, allocs)
	}
	require.NoError(t, ex.Close())
}
