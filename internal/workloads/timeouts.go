package workloads

import (
	"time"

	"github.com/framearena/framearena/coro"
)

// Timeouts awaits a task that takes no time with a timeout of an hour, n times. The task returns its
// number, and the result is the sum. It measures a timeout that does not pass.
func Timeouts(ex coro.Executor, n int) (int, error) { return run(ex, limiting.With(limited{left: n})) }

type limited struct{ left, result, sum int }

var (
	limiting = coro.Define("limiting", func(f *coro.Frame[limited, int]) coro.Step {
		s := &f.State
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			s.sum += s.result
		}
		if s.left == 0 {
			return f.Return(s.sum)
		}
		s.left--
		return coro.AwaitCall(f, 1, quick.With(s.left), &s.result, coro.Timeout(time.Hour))
	})

	quick = coro.Define("quick", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
)
