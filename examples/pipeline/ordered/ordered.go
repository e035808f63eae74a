// Package ordered is a pipeline that works on many items at the same time and gives the results out
// in the order of the items: with a task for each item, in tasks.go by hand and in plain.go in plain
// Go, and with a goroutine for each, in goroutines.go.
package ordered

import (
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

// Pipeline has the parameters of a pipeline.
type Pipeline struct {
	Window  int64         // most items in work, from the source to the output
	Latency time.Duration // longest time that an item takes
}

// latency returns how long item i takes: times without order, up to Latency.
func (p *Pipeline) latency(i int) time.Duration {
	return time.Duration(uint64(i) * 0x9e3779b97f4a7c15 % uint64(p.Latency+1))
}

// work is what an item becomes.
func work(i int) int { return i * i }

// Flood runs n items through a pipeline that has room for all of them. The service that items ask is
// down at first, so that all wait for it: then Flood calls full, and the service is up. Goroutines need
// no pool. Flood returns an error if a result is missing or out of order.
func Flood(as Form, pool *executor.Pool, n int, full func()) error {
	p := Pipeline{Window: int64(n), Latency: 10 * time.Millisecond}
	next := 0
	var wrong error
	check := func(result int) {
		if result != work(next) && wrong == nil {
			wrong = fmt.Errorf("result %d is %d, not %d", next, result, work(next))
		}
		next++
	}
	var err error
	switch as {
	case Tasks:
		var up coro.Event
		err = p.Tasks(pool, n, &up, func() { full(); up.Set() }, check)
	case Plain:
		var up task.Event
		err = p.Plain(pool, n, &up, func() { full(); up.Set() }, check)
	default:
		up := make(chan struct{})
		p.Goroutines(n, up, func() { full(); close(up) }, check)
	}
	if err == nil && next != n {
		err = fmt.Errorf("there are %d results, not %d", next, n)
	}
	if err == nil {
		err = wrong
	}
	return err
}
