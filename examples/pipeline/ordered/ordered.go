// Package ordered is a pipeline that works on many items at the same time and gives the results out
// in the order of the items: with a task for each item, in tasks.go by hand and in plain.go in plain
// Go, and with a goroutine for each, in goroutines.go.
package ordered

import (
	"context"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// Form says what an item is in a flood.
type Form string

const (
	Tasks      Form = "tasks" // written by hand
	Plain      Form = "plain" // tasks in plain Go, compiled
	Goroutines Form = "goroutines"
)

// Pipeline is one run of items through a pipeline. Items wait until a service is up.
type Pipeline struct {
	Items   int              // how many there are
	Window  int              // most items in work, from the source to the output
	Latency time.Duration    // longest time that an item takes
	Started func()           // called when the last item is under way
	Output  func(result int) // called with the results, in order
}

// latency returns how long item i takes: times without order, up to Latency.
func (p *Pipeline) latency(i int) time.Duration { return latency(i, p.Latency) }

func latency(i int, longest time.Duration) time.Duration {
	return time.Duration(uint64(i) * 0x9e3779b97f4a7c15 % uint64(longest+1))
}

// work is what an item becomes.
func work(i int) int { return i * i }

// Flood runs n items through a pipeline that has room for all of them. The service that items ask is
// down at first, so that all wait for it: then Flood calls full, and the service is up. Goroutines need
// no pool. Flood returns the sum of the results, and an error if one is missing or out of order.
func Flood(as Form, pool *executor.Pool, n int, full func()) (sum int, err error) {
	started := make(chan struct{})
	next := 0
	var wrong error
	p := Pipeline{Items: n, Window: n, Latency: 10 * time.Millisecond, Started: func() { close(started) }, Output: func(result int) {
		if result != work(next) && wrong == nil {
			wrong = fmt.Errorf("result %d is %d, not %d", next, result, work(next))
		}
		sum += result
		next++
	}}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	run := func(form func() error, up func()) error {
		go func() { ended <- form() }()
		select {
		case err := <-ended:
			return err
		case <-started:
		}
		full()
		up()
		return <-ended
	}
	switch as {
	case Tasks:
		var up coro.Event
		err = run(func() error { return p.Tasks(pool, &up) }, up.Set)
	case Plain:
		var up task.Event
		err = run(func() error { _, err := task.Run(ctx, pool, task.Do1(p.Plain, &up)); return err }, up.Set)
	default:
		up := make(chan struct{})
		err = run(func() error { return p.Goroutines(ctx, up) }, func() { close(up) })
	}
	if err == nil && next != n {
		err = fmt.Errorf("there are %d results, not %d", next, n)
	}
	if err == nil {
		err = wrong
	}
	return sum, err
}
