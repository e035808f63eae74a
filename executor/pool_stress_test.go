package executor_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// withDelays puts random delays between the atomic operations of the queues, in builds with the
// tag framecheck: so orders occur that are rare otherwise.
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
