package executor_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
)

// holding returns a pool of one worker, which is in a step until release is called.
func holding(t *testing.T, opts ...executor.PoolOption) (pool *executor.Pool, release func()) {
	pool = executor.NewPool(append(opts, executor.WithWorkers(1), executor.WithBlockedLimit(-1))...)
	held, free := newSignal(), newSignal()
	k := coro.Define("holds", func(f *coro.Frame[none, none]) coro.Step {
		close(held)
		<-free
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(pool, k, none{}))
	<-held
	return pool, func() { close(free) }
}

// Urgent tasks come first, and after 16 of them another one has its turn.
func TestUrgentTasksFirst(t *testing.T) {
	pool, release := holding(t)
	require.Same(t, pool.High(), pool.High())
	var order strings.Builder // of one worker
	k := coro.Define("note", func(f *coro.Frame[byte, none]) coro.Step {
		order.WriteByte(f.State)
		return f.Return(none{})
	})
	for range 40 {
		require.NoError(t, coro.Go(pool, k, 'n'))
		require.NoError(t, coro.Go(pool.High(), k, 'u'))
	}
	require.Equal(t, 40, pool.Stats().High)
	require.Equal(t, 80, pool.Stats().Queued)
	release()
	require.NoError(t, pool.Drain(context.Background()))
	u := strings.Repeat("u", 16)
	require.Equal(t, u+"n"+u+"n"+u[:8]+strings.Repeat("n", 38), order.String())
	require.NoError(t, pool.Close())
}

// A task stays urgent, and so does what is on its tree: when it yields, when it is woken by
// one that is not, or from outside; its children; and a Strand on the urgent side.
func TestUrgentTasksStayUrgent(t *testing.T) {
	for _, layers := range []bool{false, true} {
		pool, release := holding(t)
		var high coro.Executor = pool.High()
		if layers {
			high = executor.NewStrand(high)
		}
		var order strings.Builder
		var byStep, fromOutside coro.Event
		note := coro.Define("note", func(f *coro.Frame[byte, none]) coro.Step {
			order.WriteByte(f.State)
			return f.Return(none{})
		})
		type state struct{ children coro.Group }
		k := coro.Define("urgent", func(f *coro.Frame[state, none]) coro.Step {
			switch f.At() {
			case 0:
				order.WriteByte('0')
				return coro.Yield(f, 1)
			case 1:
				order.WriteByte('1')
				return byStep.Wait(f, 2)
			case 2:
				order.WriteByte('2')
				coro.Spawn(f, &f.State.children, note, 'c', nil)
				return f.State.children.Wait(f, 3)
			case 3:
				return fromOutside.Wait(f, 4)
			}
			order.WriteByte('4')
			return f.Return(none{})
		})
		held := newSignal()
		free := newSignal()
		wakes := coro.Define("wakes", func(f *coro.Frame[none, none]) coro.Step {
			order.WriteByte('w')
			byStep.Set()
			return f.Return(none{})
		})
		holds := coro.Define("holds again", func(f *coro.Frame[none, none]) coro.Step {
			close(held)
			<-free
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(pool, wakes, none{}))
		for range 5 {
			require.NoError(t, coro.Go(pool, note, 'n'))
		}
		require.NoError(t, coro.Go(pool, holds, none{}))
		for range 5 {
			require.NoError(t, coro.Go(pool, note, 'm'))
		}
		require.NoError(t, coro.Go(high, k, state{}))
		release()
		<-held
		fromOutside.Set()
		close(free)
		require.NoError(t, pool.Drain(context.Background()))
		require.Equal(t, "01w2cnnnnn4mmmmm", order.String())
		require.NoError(t, pool.Close())
	}
}

// Neither urgent tasks that always yield nor others that do keep each other from running.
func TestNeitherStarves(t *testing.T) {
	withDelays(t)
	for _, workers := range []int{1, 2, 8} {
		pool := executor.NewPool(executor.WithWorkers(workers), executor.WithErrorHandler(func(error) {}))
		var steps [2]atomic.Int64
		k := coro.Define("greedy", func(f *coro.Frame[int, none]) coro.Step {
			steps[f.State].Add(1)
			return coro.Yield(f, 0)
		})
		for range 20 {
			require.NoError(t, coro.Go(pool, k, 0))
			require.NoError(t, coro.Go(pool.High(), k, 1))
		}
		for steps[0].Load() < 1000 || steps[1].Load() < 1000 {
			runtime.Gosched()
		}
		require.NoError(t, pool.Close())
	}
}

// Urgent tasks and others hand values to each other, on more workers than cores.
func TestUrgentStress(t *testing.T) {
	withDelays(t)
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			a := newArena(t)
			pool := executor.NewPool(executor.WithWorkers(8), executor.WithArena(a))
			executors := []coro.Executor{pool, pool.High(), executor.NewStrand(pool.High())}
			rounds := scaled(200)
			type held struct{ in, out *coro.Chan[int] }
			type state struct{ round, got int }
			k := coro.DefineHeld("passes on", func(f *coro.Frame[state, none], h *held) coro.Step {
				s := &f.State
				switch f.At() {
				case 1:
					s.got++
					return h.out.Send(f, 2, s.got)
				case 2:
					if s.round++; s.round == rounds {
						return f.Return(none{})
					}
				}
				return h.in.Recv(f, 1, &s.got)
			})
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					chans := make([]*coro.Chan[int], 7)
					for i := range chans {
						chans[i] = coro.NewChan[int](1)
					}
					for i := range chans {
						next := chans[(i+1)%len(chans)]
						if err := coro.GoHeld(executors[i%len(executors)], k, state{}, held{chans[i], next}); err != nil {
							t.Error(err)
						}
					}
					chans[0].TrySend(0)
				})
			}
			wg.Wait()
			require.NoError(t, pool.Drain(context.Background()))
			require.NoError(t, pool.Close())
			require.Zero(t, a.Stats().Total.Live)
		}()
	}
}

// Close cancels urgent tasks that are queued.
func TestUrgentTasksAreCancelled(t *testing.T) {
	var handled []error
	pool, release := holding(t, executor.WithErrorHandler(func(err error) { handled = append(handled, err) }))
	for range 3 {
		require.NoError(t, coro.Go(pool.High(), failing, none{}))
	}
	closed := make(chan error)
	go func() { closed <- pool.Close() }()
	for coro.Go(pool.High(), failing, none{}) == nil {
		runtime.Gosched()
	}
	release()
	require.NoError(t, <-closed)
	require.False(t, slices.ContainsFunc(handled, func(err error) bool { return err != executor.ErrClosed }))
	require.GreaterOrEqual(t, len(handled), 3)
}

// Urgent tasks allocate nothing on the Go heap.
func TestUrgentAllocs(t *testing.T) {
	pool := executor.NewPool()
	done := newSignal()
	k := coro.Define("yields", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State >= 0 {
			return coro.Yield(f, 0)
		}
		done <- none{}
		return f.Return(none{})
	})
	run := func() {
		if err := coro.Go(pool.High(), k, 20); err != nil {
			t.Error(err)
		}
		<-done
	}
	for range 100 {
		run()
	}
	if n := testing.AllocsPerRun(100, run); !race.Enabled && !framecheck.Enabled { // which allocate
		require.Zero(t, n)
	}
	require.NoError(t, pool.Close())
}
