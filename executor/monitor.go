package executor

import (
	"time"

	"github.com/framearena/framearena/internal/interleave"
)

// monitor looks at the workers of a pool from time to time, as long as not all are
// idle. It is a timer: an idle pool has none that runs.
//
// It has a task that runs for longer than a period give way at its next await, has
// another worker take what the task keeps from running, and finds workers that are
// blocked in a step.
type monitor struct {
	// armed says that check will be called. Whoever changes it from false to true
	// starts the timer.
	armed interleave.Bool

	pool     *Pool
	limit    time.Duration // after which a worker is blocked
	replaces bool          // and another one takes its place
	period   time.Duration

	mu      interleave.Mutex // guards what follows
	timer   *time.Timer
	stopped bool

	reporter reporter
}

const (
	defaultBlockedLimit = 10 * time.Millisecond
	shortestPeriod      = 50 * time.Microsecond
)

// watched is what the monitor knows of a worker, guarded by monitor.mu.
type observation struct {
	tick    uintptr
	since   time.Time // when it was first seen at tick
	longest time.Duration
}

// start is called before there are workers.
func (m *monitor) start(p *Pool) {
	m.pool = p
	m.limit, m.replaces = p.options.blockedLimit, p.options.blockedLimit >= 0
	if m.limit <= 0 {
		m.limit = defaultBlockedLimit
	}
	m.period = max(shortestPeriod, min(longestPeriod, m.limit/4))
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed.Store(true)
	m.timer = time.AfterFunc(m.period, m.check)
}

// watch is called after a worker has ceased to be idle.
func (m *monitor) watch() {
	if !m.armed.Load() && m.armed.CompareAndSwap(false, true) {
		m.arm()
	}
}

func (m *monitor) arm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		m.timer.Reset(m.period)
	}
}

// stop is called when no worker runs any more. check does nothing afterwards.
func (m *monitor) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	m.timer.Stop()
}

func (m *monitor) check() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	now := time.Now()
	for _, w := range m.pool.workers.list() {
		m.look(w, now)
	}
	if m.allIdle() {
		m.armed.Store(false)
		// A worker that was woken before this may have found the monitor armed.
		if m.allIdle() || !m.armed.CompareAndSwap(false, true) {
			return
		}
	}
	m.timer.Reset(m.period)
}

func (m *monitor) allIdle() bool {
	return int(numIdle(m.pool.idle.state.Load())) == len(m.pool.workers.list())
}

// look looks at one worker. The caller holds mu.
func (m *monitor) look(w *worker, now time.Time) {
	p := m.pool
	tick := w.tick.load()
	if tick&1 == 0 || tick != w.seen.tick {
		w.seen.tick, w.seen.since = tick, now
		if w.overdue.Load() {
			w.overdue.Store(false)
		}
		w.shouldYield.Store(true)
	} else {
		d := now.Sub(w.seen.since)
		w.seen.longest = max(w.seen.longest, d)
		w.overdue.Store(true)
		w.coro.Preempt()
		if d >= m.limit {
			if m.replaces && p.replace(w, tick) {
				m.reporter.report(p, w, tick, d)
			}
			// Others might never run dry, and so never come to take these.
			p.handOff(w)
		}
	}
	if p.idle.shouldNotify() && w.hasStealable() {
		p.idle.notify(p)
	}
}
