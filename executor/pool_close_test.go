package executor_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

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
