package executor_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// BenchmarkIdle measures the CPU time of a second in which a pool with many waiting tasks has
// nothing to do, and of a second of the process without a pool.
func BenchmarkIdle(b *testing.B) {
	for _, with := range []string{"pool", "nothing"} {
		b.Run(with, func(b *testing.B) {
			if with == "pool" {
				ex := executor.NewPool()
				var e coro.Event
				waits := coro.Define("waits", func(f *coro.Frame[none, none]) coro.Step {
					if f.At() == 0 {
						return e.Wait(f, 1)
					}
					return f.Return(none{})
				})
				for range 10_000 {
					require.NoError(b, coro.Go(ex, waits, none{}))
				}
				for !executor.Asleep(ex) {
					time.Sleep(time.Millisecond)
				}
				defer func() {
					e.Set()
					require.NoError(b, ex.Close())
				}()
			}
			b.ResetTimer()
			before := cpuTime(b)
			for range b.N {
				time.Sleep(time.Second)
			}
			b.StopTimer()
			reportCPU(b, before)
		})
	}
}
