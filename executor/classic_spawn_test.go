package executor_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Spawn from outside: this goroutine launches n tasks, and adds up what they return.
var outsideSpawns = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		var sum atomic.Int64
		var all sync.WaitGroup
		launch := coro.RunAsync(ex, coro.OnResult(func(v int) { // their frames are gone then
			sum.Add(int64(v))
			all.Done()
		}))
		for i := range n {
			all.Add(1)
			if err := launch(echo.With(i)); err != nil {
				return 0, err
			}
		}
		all.Wait()
		return int(sum.Load()), nil
	},
	goroutines: func(n int) int {
		var sum atomic.Int64
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { sum.Add(int64(i)) })
		}
		all.Wait()
		return int(sum.Load())
	},
}

func TestOutsideSpawns(t *testing.T) { outsideSpawns.test(t, 0, 1, scaled(5000)) }

// BenchmarkOutsideSpawns' operation is to launch a task from outside of a pool with one
// worker per P, until it has ended, beside a goroutine and a closure through a channel to
// two goroutines.
func BenchmarkOutsideSpawns(b *testing.B) {
	for _, procs := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("procs-%d", procs), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			b.Run("tasks", BenchmarkPoolPost)
			b.Run("channel", BenchmarkChannelOfFuncs)
			b.Run("goroutines", func(b *testing.B) {
				var ended sync.WaitGroup
				for left := b.N; left > 0; {
					n := min(left, inFlight)
					left -= n
					for range n {
						ended.Go(func() {})
					}
					ended.Wait()
				}
			})
		})
	}
}
