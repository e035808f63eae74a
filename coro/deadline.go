package coro

import (
	"context"
	"errors"
	"time"

	"github.com/framearena/framearena/internal/timerwheel"
)

// deadlineTimer cancels a scope. It is in a slot that is never given back. It is the
// registry's as long as that refers to it, which is until fire has come, or until the
// scope has ended and taken the timer out of the wheel. If the scope has ended and did not
// find it there, it is fire's.
type deadlineTimer struct {
	timerwheel.Node
	node       *slotNode // this, in deadlineTimers
	registry   *waitRegistry
	generation uint64
}

var deadlineTimers slots

func init() { deadlineTimers.init(newSlots[deadlineTimer]) }

// newDeadlineTimer makes r be cancelled at its deadline. The caller holds walk.
func newDeadlineTimer(r *waitRegistry) *deadlineTimer {
	slot := deadlineTimers.take(nil)
	d := &slotOf[deadlineTimer](slot).held
	d.node, d.registry, d.generation = slot, r, r.generation
	d.Node = timerwheel.Node{What: timerDeadline}
	if !r.runtime.timing().add(&d.Node, r.deadline) { // the executor is being closed
		d.recycle()
		return nil
	}
	return d
}

// fire cancels the scope, unless it has ended meanwhile. The registry is in a slot too, so
// that it is there to tell. The caller posts woken, with no lock held.
func (d *deadlineTimer) fire(woken *wakeList) {
	r := d.registry
	r.walk.Lock()
	if r.generation == d.generation {
		r.timer = nil
		r.cancelWalking(context.DeadlineExceeded, woken)
	}
	r.walk.Unlock()
	d.recycle()
}

// unset is called with walk held when the scope has ended.
func (d *deadlineTimer) unset(t *timers) {
	if t.remove(&d.Node) {
		d.recycle()
	}
}

func (d *deadlineTimer) recycle() {
	n := d.node
	d.node, d.registry = nil, nil
	deadlineTimers.put(nil, n)
}

// deadlineOf returns when a part of a tree with these options ends, by the clock of
// timing, or 0 if it has no deadline.
func (x *execRuntime) deadlineOf(o *options) int64 {
	when := int64(0)
	if !o.deadline.IsZero() {
		when = x.timing().after(time.Until(o.deadline))
	}
	if o.timeout != 0 {
		if after := x.timing().after(o.timeout); when == 0 || after < when {
			when = after
		}
	}
	if when != 0 {
		when = max(when, 1)
	}
	return when
}

// deadlineContext is a context that the executor's clock ends.
type deadlineContext struct {
	context.Context
	deadline time.Time
}

func (c *deadlineContext) Deadline() (time.Time, bool) {
	if d, ok := c.Context.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

func (c *deadlineContext) Err() error {
	err := c.Context.Err()
	if err != nil && errors.Is(context.Cause(c.Context), context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return err
}
