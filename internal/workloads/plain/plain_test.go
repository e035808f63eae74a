package plain_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// workload is a program of size n in plain Go and in steps written by hand, with the same result.
type workload struct {
	name  string
	plain func(ex coro.Executor, n int, opts ...task.Option) (any, error)
	hand  func(ex coro.Executor, n int) (any, error)
}

func newWorkload[R any](name string, call func(n int) task.Call[R], hand func(ex coro.Executor, n int) (R, error)) workload {
	return workload{
		name: name,
		plain: func(ex coro.Executor, n int, opts ...task.Option) (any, error) {
			return task.Run(context.Background(), ex, call(n), opts...)
		},
		hand: func(ex coro.Executor, n int) (any, error) { return hand(ex, n) },
	}
}

var (
	skynet = newWorkload("Skynet",
		func(n int) task.Call[int] { return task.Call2(plain.Skynet, 0, n) }, workloads.Skynet)

	// others are those whose size is how often something happens.
	others = []workload{
		newWorkload("PingPong", func(n int) task.Call[int] { return task.Call1(plain.PingPong, n) }, workloads.PingPong),
		newWorkload("Buffer", func(n int) task.Call[uint64] { return task.Call1(plain.Buffer, n) }, workloads.Buffer),
		newWorkload("FanOutIn",
			func(n int) task.Call[uint64] { return task.Call2(plain.FanOutIn, n, doubled) },
			func(ex coro.Executor, n int) (uint64, error) { return workloads.FanOutIn(ex, n, doubled) }),
		newWorkload("Contention", func(n int) task.Call[int] { return task.Call1(plain.Contention, n) }, workloads.Contention),
		newWorkload("Sleepers",
			func(n int) task.Call[task.None] { return task.Do2(plain.Sleepers, n, spread) },
			func(ex coro.Executor, n int) (task.None, error) {
				return task.None{}, workloads.Sleepers(ex, n, spread)
			}),
		newWorkload("Timeouts", func(n int) task.Call[int] { return task.Call1(plain.Timeouts, n) }, workloads.Timeouts),
		newWorkload("Selects", func(n int) task.Call[int] { return task.Call1(plain.Selects, n) }, workloads.Selects),
	}
)

// spread is by how much the times differ that the sleepers sleep.
const spread = time.Microsecond

func doubled(v uint64) uint64 { return 2 * v }

var executors = []struct {
	name string
	open func() closer
}{
	{"inline", func() closer { return executor.NewInline() }},
	{"workers=1", func() closer { return executor.NewPool(executor.WithWorkers(1)) }},
	{"workers=2", func() closer { return executor.NewPool(executor.WithWorkers(2)) }},
}

type closer interface {
	coro.Executor
	Close() error
}

// The plain form gives what the steps written by hand give, compiled and on a goroutine.
func TestResults(t *testing.T) {
	test := func(w workload, sizes ...int) {
		for _, on := range executors {
			t.Run(w.name+"/"+on.name, func(t *testing.T) {
				ex := on.open()
				for _, n := range sizes {
					woken := workloads.SleepersWoken.Load()
					want, err := w.hand(ex, n)
					require.NoError(t, err)
					woken = workloads.SleepersWoken.Load() - woken
					for _, option := range []task.Option{task.RequireCompiled(), task.OnGoroutine()} {
						before := workloads.SleepersWoken.Load()
						got, err := w.plain(ex, n, option)
						require.NoError(t, err)
						require.Equal(t, want, got)
						require.Equal(t, woken, workloads.SleepersWoken.Load()-before)
					}
				}
				require.NoError(t, ex.Close()) // an arena.ErrLeak if a frame were live
			})
		}
	}
	test(skynet, 1, 10, 10_000)
	for _, w := range others {
		test(w, 0, 1, 2000)
	}
}

// Each operation of the benchmark is one of what the workload counts: a round trip, a number, a
// timeout.
func BenchmarkWorkloads(b *testing.B) {
	for _, w := range others {
		for _, on := range executors {
			for _, form := range []struct {
				name string
				run  func(ex coro.Executor, n int) (any, error)
			}{
				{"plain", func(ex coro.Executor, n int) (any, error) { return w.plain(ex, n) }},
				{"hand", w.hand},
			} {
				b.Run(fmt.Sprintf("%s/%s/%s", w.name, on.name, form.name), func(b *testing.B) {
					ex := on.open()
					b.Cleanup(func() { ex.Close() })
					b.ReportAllocs()
					_, err := form.run(ex, b.N)
					require.NoError(b, err)
				})
			}
		}
	}
}
