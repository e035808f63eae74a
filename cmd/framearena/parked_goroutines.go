package main

import (
	"sync"

	"github.com/framearena/framearena/internal/workloads"
)

// goroutineCrowd is a crowd of goroutines that are parked on a channel.
type goroutineCrowd struct {
	gate   chan struct{} // closed when they may end
	parked sync.WaitGroup
	ended  sync.WaitGroup
}

func newGoroutineCrowd() (crowd, error) {
	return &goroutineCrowd{gate: make(chan struct{})}, nil
}

func (c *goroutineCrowd) create(n int) error {
	c.parked.Add(n)
	c.ended.Add(n)
	for id := range n {
		go c.run(uint64(id) + 1)
	}
	c.parked.Wait()
	return nil
}

// run is an activity as a goroutine.
func (c *goroutineCrowd) run(id uint64) {
	a := workloads.Activity{ID: id}
	a.Fill()
	c.parked.Done()
	<-c.gate
	finish(&a)
	c.ended.Done()
}

func (c *goroutineCrowd) finish() {
	close(c.gate)
	c.ended.Wait()
}

func (c *goroutineCrowd) mapped() uintptr { return 0 }

func (c *goroutineCrowd) close() error { return nil }
