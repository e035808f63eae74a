// Package workloads has the programs that tests run and that benchmarks measure, each
// written once: as tasks, and, where something is compared with it, as goroutines. Package plain has
// them as plain Go functions, which are compiled to tasks.
//
// A program of size n gives the same result however it is written and whatever runs it. So
// the tests of package executor compare the results; its benchmarks, module bench and
// cmd/framearena take the times.
//
//   - [Chain], [ElidedChain] and [YieldingChain]: the time of a frame, from await to return;
//   - [PingPong]: the time of a switch between two tasks;
//   - [CallTask]: the time of a wake from outside;
//   - [Buffer]: a channel that is rarely full or empty;
//   - [FanOutIn]: channels with many senders and many receivers, and work between them;
//   - [Contention]: a mutex that many tasks want;
//   - [Skynet]: the time to spawn, run and join a task;
//   - [Sleepers]: the time to start a timer and to be woken by it;
//   - [Timeouts]: a timeout that does not pass;
//   - [Selects]: a select that need not wait;
//   - [Numbers]: the time of a value of a generator;
//   - [Activity]: the memory of a task, or of a goroutine, that is suspended.
//
// The kinds are written out, with no step function made by another function. The compiler
// then knows the kind that a step awaits; through a closure the step would have to load it.
// Awaits are instantiated for the types of this package, so a user of the kinds pays nothing
// for the fact that they are in another package: a worker calls every step through its kind.
//
// The functions may be called by several goroutines at the same time, unless they say
// otherwise.
package workloads

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// none is the state or the result of tasks that have none.
type none = struct{}

// run runs the root task of a program and waits for its result.
func run[R any](ex coro.Executor, root coro.Call[R]) (R, error) {
	return coro.Run(context.Background(), ex, root)
}
