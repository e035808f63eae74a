package coro

import (
	"context"
	"runtime/pprof"
	"sync"
	"time"
)

// crew is goroutines that work for tasks: they call functions and wait on Go
// channels. One that has nothing to do stays for a while, since a new one has to
// grow its stack again; not more than maxIdle of them do.
type helperPool struct {
	mu    sync.Mutex
	idle  *helper // the one that became idle last, and works next; guarded by mu
	nIdle int     // guarded by mu

	maxIdle int
	stay    time.Duration
}

var helpers = helperPool{maxIdle: 256, stay: 10 * time.Second}

// hand is one goroutine of a crew.
type helper struct {
	work       chan job // has room for one: who assigns never waits
	prev, next *helper  // in the crew's idle list; guarded by its mu
	listed     bool     // is in the list; guarded by mu
}

// assignment is what a hand does.
type job interface{ do() }

// assign makes some hand do a, soon. It does not wait.
func (c *helperPool) run(a job) {
	c.mu.Lock()
	h := c.idle
	if h != nil {
		c.remove(h)
	}
	c.mu.Unlock()
	if h == nil {
		h = &helper{work: make(chan job, 1)}
		go c.serve(h)
	}
	h.work <- a
}

// employ is what h's goroutine does. It ends there too if an assignment ends its
// goroutine: h is not in the list then.
func (c *helperPool) serve(h *helper) {
	// It works for many tasks, and has the labels of none: not those of the step that
	// it was begun in.
	pprof.SetGoroutineLabels(context.Background())
	timer := time.NewTimer(c.stay)
	defer timer.Stop()
	for {
		select {
		case a := <-h.work:
			a.do()
			if !c.rest(h) {
				return
			}
			timer.Reset(c.stay)
		case <-timer.C:
			// It may have been taken from the list, or be new: then it is given work.
			if c.quit(h) {
				return
			}
		}
	}
}

// rest puts h into the idle list, if there is room.
func (c *helperPool) rest(h *helper) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nIdle >= c.maxIdle {
		return false
	}
	h.next = c.idle
	if h.next != nil {
		h.next.prev = h
	}
	c.idle = h
	c.nIdle++
	h.listed = true
	return true
}

// quit takes h from the idle list and reports whether it was there.
func (c *helperPool) quit(h *helper) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !h.listed {
		return false
	}
	c.remove(h)
	return true
}

// remove takes h from the idle list. The caller holds mu.
func (c *helperPool) remove(h *helper) {
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		c.idle = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	h.listed = false
	c.nIdle--
}
