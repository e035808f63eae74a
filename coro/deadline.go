package coro

import (
	"context"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/slots"
	"github.com/framearena/framearena/internal/timerwheel"
)

// deadlineTimer cancels a scope at its deadline. It lies in a slot that is never given back,
// since the wheel refers to it by an integer.
//
// It belongs to the registry while registry.timer refers to it: until fire is called, or until
// the scope ends and unset takes the timer out of the wheel. If unset does not find it there,
// fire has it or is about to get it, and it belongs to fire. By then the registry may be
// another scope's, and then its generation is another one: fire compares it with walk held, and
// the end of a scope changes it with walk held.
type deadlineTimer struct {
	timerwheel.Node // first, so that a pointer to it is one to the deadlineTimer

	slot       *slots.Slot[deadlineTimer] // this, in deadlineTimers
	registry   *waitRegistry
	generation uint64 // of registry, when the timer was set
}

var _ [-unsafe.Offsetof(deadlineTimer{}.Node)]struct{}

var deadlineTimers slots.Of[deadlineTimer]

func init() { deadlineTimers.Init() }

// newDeadlineTimer sets a timer that cancels r at its deadline. It returns nil if the executor
// is being closed. The caller holds walk.
func newDeadlineTimer(r *waitRegistry) *deadlineTimer {
	slot := deadlineTimers.Take(nil)
	d := &slot.Value
	d.slot, d.registry, d.generation = slot, r, r.generation
	d.Node = timerwheel.Node{What: timerDeadline}
	if !r.runtime.timing().add(&d.Node, r.deadline) {
		d.recycle()
		return nil
	}
	return d
}

// fire cancels the scope, unless it has ended. It is called when the timer is out of the
// wheel. The caller posts woken, with no lock held.
func (d *deadlineTimer) fire(woken *wakeList) {
	r := d.registry
	r.walk.Lock()
	if r.generation == d.generation {
		r.timer = nil
		r.cancelWalking(ending{context.DeadlineExceeded, context.DeadlineExceeded}, woken)
	}
	r.walk.Unlock()
	d.recycle()
}

// unset ends the use of d by a scope that has ended. The caller holds walk, and does not touch
// d afterwards.
func (d *deadlineTimer) unset(t *timers) {
	if t.remove(&d.Node) {
		d.recycle()
	}
}

// recycle frees d's slot. The caller owns d.
func (d *deadlineTimer) recycle() {
	slot := d.slot
	d.slot, d.registry = nil, nil
	deadlineTimers.Put(nil, slot)
}

// deadlineOf returns when a part of a tree with these options ends: a time of the clock of
// timing, in ns, or 0 if there is no deadline. If the options have several, it is the
// earliest. Instead of a negative one it is 1, which is over as well.
func (rt *execRuntime) deadlineOf(o *options) int64 {
	when := int64(0)
	if !o.deadline.IsZero() {
		when = rt.timing().after(time.Until(o.deadline))
	}
	if o.timeout != 0 {
		if after := rt.timing().after(o.timeout); when == 0 || after < when {
			when = after
		}
	}
	if when != 0 {
		when = max(when, 1)
	}
	return when
}
