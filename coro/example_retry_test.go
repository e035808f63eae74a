package coro_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

var errTimeout = errors.New("timeout")

// ping is the state of a task that asks a host once.
type ping struct{ host, attempt int }

// Ping fails on the first two attempts.
var Ping = coro.Define("ping", func(f *coro.Frame[ping, int]) coro.Step {
	if f.State.attempt < 2 {
		return f.Fail(errTimeout)
	}
	return f.Return(10 * f.State.host)
})

// retry is the state of a task that asks a host up to three times.
type retry struct {
	attempt int
	rtt     int
}

// Retry awaits Ping at resume point 0 and looks at how it went at 1.
var Retry = coro.Define("retry", func(f *coro.Frame[retry, int]) coro.Step {
	switch s := &f.State; f.At() {
	default:
		return coro.Await(f, 1, Ping, ping{host: 7, attempt: s.attempt}, &s.rtt)
	case 1:
		err := f.Err()
		if err == nil {
			return f.Return(s.rtt)
		}
		fmt.Println("attempt", s.attempt, "failed:", err)
		if s.attempt++; s.attempt == 3 {
			return f.Fail(err)
		}
		return coro.Yield(f, 0)
	}
})

// A task that awaits another until that succeeds, and lets other tasks run
// between the attempts.
func Example_retry() {
	ex := executor.NewInline()
	defer ex.Close()

	rtt, err := coro.Run(context.Background(), ex, Retry.With(retry{}))
	fmt.Println(rtt, err)

	// Output:
	// attempt 0 failed: timeout
	// attempt 1 failed: timeout
	// 70 <nil>
}
