package crowd

import (
	"sync"

	"github.com/framearena/framearena/internal/workloads"
)

// goroutineCrowd is a crowd of goroutines.
type goroutineCrowd struct {
	gate  chan struct{} // closed when the idle ones may end
	busy  []chan request
	ended sync.WaitGroup
}

func newGoroutineCrowd() crowd { return &goroutineCrowd{gate: make(chan struct{})} }

func (c *goroutineCrowd) open(busy int) error {
	for range busy {
		requests := make(chan request, busyRoom)
		c.ended.Go(func() {
			for r := range requests {
				r.serve()
			}
		})
		c.busy = append(c.busy, requests)
	}
	return nil
}

func (c *goroutineCrowd) create(n int) error {
	for id := range n {
		go c.idle(uint64(id) + 1)
	}
	await(&begun, n)
	return nil
}

func (c *goroutineCrowd) idle(id uint64) {
	a := workloads.Activity{ID: id}
	begin(&a)
	<-c.gate
	end(&a)
}

func (c *goroutineCrowd) request(busy int, r request) { c.busy[busy] <- r }

func (c *goroutineCrowd) finish() { close(c.gate) }

func (c *goroutineCrowd) close() error {
	for _, requests := range c.busy {
		close(requests)
	}
	c.ended.Wait()
	return nil
}
