package coro_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

var errNoAnswer = errors.New("no answer")

// ping is the state of a task that asks a host once.
type ping struct{ host, attempt int }

// Ping stands in for a message over a network: the first two get no answer.
var Ping = coro.Define("ping", func(f *coro.Frame[ping, time.Duration]) coro.Step {
	if f.State.attempt < 2 {
		return f.Fail(errNoAnswer)
	}
	return f.Return(time.Duration(f.State.host) * time.Millisecond)
})

// The program of doc.go and of docs/coming-from.md.

// retry is the state: what the task remembers from step to step.
type retry struct {
	attempt int
	rtt     time.Duration // the child's result goes here
}

// Retry pings a host up to three times, and waits twice as long each time.
var Retry = coro.Define("retry", func(f *coro.Frame[retry, time.Duration]) coro.Step {
	switch s := &f.State; f.At() {
	case 0: // the task begins, or has slept
		if f.Err() != nil {
			return f.Fail(f.Err()) // the context has ended
		}
		return coro.Await(f, 1, Ping, ping{host: 7, attempt: s.attempt}, &s.rtt)
	case 1: // the child has ended
		if f.Err() == nil {
			return f.Return(s.rtt)
		}
		if s.attempt++; s.attempt == 3 {
			return f.Fail(f.Err())
		}
		return coro.Sleep(f, 0, time.Millisecond<<s.attempt)
	default:
		return f.BadResume()
	}
})

// A task that awaits another one until it succeeds, and sleeps between the attempts.
func Example_retry() {
	pool := executor.NewPool()
	defer pool.Close()

	rtt, err := coro.Run(context.Background(), pool, Retry.With(retry{}))
	fmt.Println(rtt, err)

	// Output:
	// 7ms <nil>
}
