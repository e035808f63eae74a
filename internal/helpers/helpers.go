// Package helpers has goroutines that call functions and wait on Go channels in place of
// tasks, which must not block. They are used again, because a new goroutine has to grow its
// stack each time.
package helpers

import (
	"context"
	"runtime/pprof"
	"sync"
	"time"
)

// A Pool is a set of helpers: goroutines that do one Job after the other. There is no limit
// to how many work at the same time. A helper that has nothing to do stays for a while; then
// it ends. All methods may be called from any goroutine. A Pool is made by NewPool.
type Pool struct {
	mu    sync.Mutex
	idle  *helper // the one that became idle last, which works next; guarded by mu
	nIdle int     // the length of the list; guarded by mu

	maxIdle int           // not changed
	stay    time.Duration // not changed
}

// A Job is what a helper does.
type Job interface {
	// Do is called once, on the helper's goroutine. It may take its time, and it may end
	// the goroutine by runtime.Goexit. It must not panic.
	Do()
}

// helper is one goroutine. From when it is made or taken from the idle list until its job has
// been sent, it belongs to the caller of Run; then to its own goroutine; and while it is
// in the list, to the holder of mu.
type helper struct {
	work       chan Job // has room for one; a helper is given one job at a time, so Run does not wait
	prev, next *helper  // in the idle list; guarded by mu
	listed     bool     // is in the list; guarded by mu
}

// NewPool returns a Pool without helpers. At most maxIdle of them stay when they have nothing
// to do, and each for the time stay.
func NewPool(maxIdle int, stay time.Duration) *Pool {
	return &Pool{maxIdle: maxIdle, stay: stay}
}

// Run has a helper do j, soon. It does not wait.
func (p *Pool) Run(j Job) {
	p.mu.Lock()
	h := p.idle
	if h != nil {
		p.remove(h)
	}
	p.mu.Unlock()
	if h == nil {
		h = &helper{work: make(chan Job, 1)}
		go p.serve(h)
	}
	h.work <- j
}

// serve is what h's goroutine does. If a job ends the goroutine, nothing is left to do: h is
// not in the list then.
func (p *Pool) serve(h *helper) {
	// A new goroutine has the labels of the one that started it, here those of a task's
	// step. A helper works for many tasks, and has none.
	pprof.SetGoroutineLabels(context.Background())
	timer := time.NewTimer(p.stay)
	defer timer.Stop()
	for {
		select {
		case j := <-h.work:
			j.Do()
			if !p.rest(h) {
				return
			}
			timer.Reset(p.stay)
		case <-timer.C:
			// If h is not in the list, it is new or was just taken out: then its job
			// is on the way.
			if p.quit(h) {
				return
			}
		}
	}
}

// rest puts h into the idle list. It returns false if there is no room.
func (p *Pool) rest(h *helper) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nIdle >= p.maxIdle {
		return false
	}
	h.next = p.idle
	if h.next != nil {
		h.next.prev = h
	}
	p.idle = h
	p.nIdle++
	h.listed = true
	return true
}

// quit takes h from the idle list and reports whether it was there. After true nobody can
// give it a job.
func (p *Pool) quit(h *helper) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !h.listed {
		return false
	}
	p.remove(h)
	return true
}

// remove takes h from the idle list. The caller holds mu.
func (p *Pool) remove(h *helper) {
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		p.idle = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	}
	h.prev, h.next = nil, nil
	h.listed = false
	p.nIdle--
}
