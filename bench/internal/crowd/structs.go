package crowd

import (
	"runtime"
	"sync"

	"github.com/framearena/framearena/internal/workloads"
)

// structCrowd is a crowd of structs on the Go heap with an event loop: what one writes for more
// activities than goroutines can serve. No line in it waits: an activity is cut into functions
// by hand.
type structCrowd struct {
	idle   []*workloads.Activity
	busy   []busyStruct
	events chan event
	loops  sync.WaitGroup
}

type busyStruct struct{ mu sync.Mutex }

// event is a request for a busy activity.
type event struct {
	busy    int
	request request
}

func newStructCrowd() crowd { return &structCrowd{} }

func (c *structCrowd) open(busy int) error {
	c.busy = make([]busyStruct, busy)
	c.events = make(chan event, busyRoom)
	for range runtime.GOMAXPROCS(0) {
		c.loops.Go(func() {
			for e := range c.events {
				b := &c.busy[e.busy]
				b.mu.Lock()
				e.request.serve()
				b.mu.Unlock()
			}
		})
	}
	return nil
}

func (c *structCrowd) create(n int) error {
	c.idle = make([]*workloads.Activity, n)
	for i := range c.idle {
		a := &workloads.Activity{ID: uint64(i) + 1}
		begin(a)
		c.idle[i] = a
	}
	return nil
}

func (c *structCrowd) request(busy int, r request) { c.events <- event{busy, r} }

func (c *structCrowd) finish() {
	for i, a := range c.idle {
		end(a)
		c.idle[i] = nil
	}
}

func (c *structCrowd) close() error {
	close(c.events)
	c.loops.Wait()
	return nil
}
