package executor

// SetDelays makes pools that are made later call f between their atomic operations, in builds
// with the tag framecheck.
func SetDelays(f func()) { testDelays = f }

// Asleep reports whether all workers of a pool are idle, and its monitor too.
func Asleep(p *Pool) bool { return p.monitor.allIdle() && !p.monitor.armed.Load() }

// Closed reports whether the workers of a pool see that it is closed. Post refuses tasks a moment
// before.
func Closed(p *Pool) bool { return p.closed.Load() }

// NewPoolLate returns a pool whose workers start after the monitor's timer has gone off and
// before has returned.
func NewPoolLate(before func(*Pool), opts ...PoolOption) *Pool {
	p := newPool(newPoolOptions(opts))
	p.monitor.timer.Stop()
	p.monitor.check()
	before(p)
	p.startWorkers()
	return p
}
