package coro

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/timerwheel"
)

// scopeOfTimer returns the childScope that n is the timer of.
func scopeOfTimer(n *timerwheel.Node) *childScope {
	return (*childScope)(unsafe.Pointer(n))
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
