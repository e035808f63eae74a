package executor_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// bell is what rings for a task and what it answers to.
type bell struct {
	calls   *coro.Chan[int]
	answers chan<- int // has room
}

// porter answers calls until the channel is closed. It returns how many these were.
var porter = coro.DefineHeld("porter", func(f *coro.Frame[struct{ call, calls int }, int], held *bell) coro.Step {
	s := &f.State
	switch {
	case f.Err() == coro.ErrChanClosed:
		return f.Return(s.calls)
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		s.calls++
		held.answers <- s.call
	}
	return held.calls.Recv(f, 1, &s.call)
})

// wakePorter has a task on ex woken by this goroutine n times, and calls pause before each.
// It returns the sum of the answers.
func wakePorter(ex coro.Executor, n int, pause func(), took func(time.Duration)) (sum int, err error) {
	calls, answers := coro.NewChan[int](1), make(chan int, 1)
	h, err := coro.Start(ex, porter.With(struct{ call, calls int }{}, bell{calls, answers}))
	if err != nil {
		return 0, err
	}
	for i := range n {
		pause()
		start := time.Now()
		calls.TrySend(i) // there is room: the last one was answered
		sum += <-answers
		took(time.Since(start))
	}
	calls.Close()
	<-h.Done()
	_, err = h.Result()
	return sum, err
}

// Woken from outside: a task waits until this goroutine wakes it, n times.
var outsideWakes = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return wakePorter(ex, n, func() {}, func(time.Duration) {})
	},
	goroutines: func(n int) int { return wakeGoroutine(n, func() {}, func(time.Duration) {}) },
}

func wakeGoroutine(n int, pause func(), took func(time.Duration)) (sum int) {
	calls, answers := make(chan int, 1), make(chan int, 1)
	go func() {
		for call := range calls {
			answers <- call
		}
	}()
	for i := range n {
		pause()
		start := time.Now()
		calls <- i
		sum += <-answers
		took(time.Since(start))
	}
	close(calls)
	return sum
}

func TestOutsideWakes(t *testing.T) { outsideWakes.test(t, 0, 1, scaled(2000)) }

// BenchmarkOutsideWakes' operation is a call and its answer.
func BenchmarkOutsideWakes(b *testing.B) { outsideWakes.bench(b) }

// BenchmarkOutsideWakesIdle is the same, but all have been idle for a while before each
// call: its median is how long a wake takes, there and back.
func BenchmarkOutsideWakesIdle(b *testing.B) {
	measure := func(b *testing.B, run func(pause func(), took func(time.Duration))) {
		times := make([]time.Duration, 0, b.N)
		run(func() { time.Sleep(200 * time.Microsecond) }, func(d time.Duration) { times = append(times, d) })
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "ns/median")
		b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "ns/p99")
	}
	b.Run("tasks", func(b *testing.B) {
		ex := executor.NewPool()
		measure(b, func(pause func(), took func(time.Duration)) {
			_, err := wakePorter(ex, b.N, pause, took)
			require.NoError(b, err)
		})
		require.NoError(b, ex.Close())
	})
	b.Run("goroutines", func(b *testing.B) {
		measure(b, func(pause func(), took func(time.Duration)) { wakeGoroutine(b.N, pause, took) })
	})
}
