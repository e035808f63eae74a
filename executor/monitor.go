package executor

import (
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// The monitor is a timer that calls check once in a period while some worker is not idle. A
// pool whose workers are all idle has no timer that runs.
//
// # The timer runs while a worker does
//
// A goroutine that makes a worker cease to be idle changes idleWorkers.state, and then loads
// armed (watch). NewPool, whose new workers are busy, does so after it has stored their list. check stores false in armed, and then loads state again (allIdle). All four
// are atomic operations in one order that all goroutines agree on, so at least one of the two sees
// what the other has written: watch sees false and starts the timer, or check sees a worker
// that is not idle and keeps the timer. If both do, the compare-and-swap of armed to true
// decides which of them starts it. TestInterleavingsOfPools has a model of this, and
// TestInterleavingsOfPoolsBroken breaks each side.
//
// check calls notify, and so watch, with mu held. armed is true then, so watch does not want
// mu.
//
// # What the monitor asks for
//
// It remembers the tick of each worker, which is odd while a task runs. If the tick is odd and
// the same as a period ago, the worker has been running one task for that long:
//
//   - After a period the monitor sets overdue, so that others may take runNext, and asks the
//     chain to give way at its next Await (Worker.Preempt).
//   - After the limit the chain has not given way. It is inside of one step, or in a long row
//     of returns, and the worker counts as blocked: see blocked.go. The monitor hands
//     its tasks to the others, again in each period: others that never run dry would never come
//     to take them.
//
// If the tick is another or even, the monitor asks the worker to let other goroutines run
// (shouldYield), and clears overdue.
//
// A task that gives way is a child that has not begun, or a task that has been given what it
// waited for. It has flagWoken in its header, so that Run does not resume it with the end of
// its context instead. A child that stands in for one to which the allocator gave no memory
// does not give way: the worker owns its memory, and it fails in its first step. The worker
// of a generator's loop belongs to no pool, so nobody asks it.
//
// All that the monitor sets are requests and hints. One that is late, lost, or hits the next
// task costs time, no task.

// monitor watches the workers of a pool. check runs on the timer's goroutine; any goroutine
// may call watch.
type monitor struct {
	// armed says that check will be called. The goroutine that changes it from false to
	// true starts the timer. check changes it to false with mu held. See above.
	armed interleave.Bool

	pool     *Pool
	limit    time.Duration // a worker in one step for longer is blocked
	replaces bool          // another worker replaces it
	period   time.Duration

	mu      interleave.Mutex // guards what follows, and worker.seen; before workerSet.mu
	timer   *time.Timer
	stopped bool
	looked  time.Time                       // when check looked at the workers, or the timer started
	busy    map[coro.KindInfo]time.Duration // see sampleBusy
	history blockedHistory

	reporter reporter
}

const (
	defaultBlockedLimit = 10 * time.Millisecond
	shortestPeriod      = 50 * time.Microsecond
)

// observation is what the monitor has seen of a worker. It is guarded by monitor.mu.
type observation struct {
	tick    uintptr
	since   time.Time      // when the monitor first saw this tick
	longest time.Duration  // the longest time for which it saw one
	blocked *blockedRecord // of the step that this tick began, if that has taken too long; or nil
}

// start starts the timer. NewPool calls it before there are workers.
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
	m.looked = time.Now()
	m.timer = time.AfterFunc(m.period, m.check)
}

// watch starts the timer if it does not run. A goroutine calls it after it has made a worker
// cease to be idle.
func (m *monitor) watch() {
	if !m.armed.Load() && m.armed.CompareAndSwap(false, true) {
		m.arm()
	}
}

// arm starts the timer, unless the monitor is stopped.
func (m *monitor) arm() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		m.looked = time.Now()
		m.timer.Reset(m.period)
	}
}

// stop makes check do nothing from now on, and waits for one that runs. The closer calls it
// when no worker runs any more.
func (m *monitor) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
	m.timer.Stop()
}

// check looks at all workers, and starts the timer again unless all are idle. The timer calls
// it.
func (m *monitor) check() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	now := time.Now()
	for _, w := range m.pool.workers.list() {
		m.sampleBusy(w, now.Sub(m.looked))
		m.look(w, now)
	}
	m.looked = now
	if m.allIdle() {
		m.armed.Store(false)
		// A worker that was woken before the store may have found the timer armed.
		if m.allIdle() || !m.armed.CompareAndSwap(false, true) {
			return
		}
	}
	m.timer.Reset(m.period)
}

// allIdle reports whether all workers of the pool are idle.
func (m *monitor) allIdle() bool {
	return int(numIdle(m.pool.idle.state.Load())) == len(m.pool.workers.list())
}

// look looks at one worker. The caller holds mu.
func (m *monitor) look(w *worker, now time.Time) {
	p := m.pool
	tick := w.tick.load()
	if tick&1 == 0 || tick != w.seen.tick {
		w.seen.tick, w.seen.since, w.seen.blocked = tick, now, nil
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
				m.reporter.report(m, w, tick, d)
			}
			m.noteBlocked(w, tick, now, d)
			p.handOff(w)
		}
	}
	if p.idle.shouldNotify() && w.hasStealable() {
		p.idle.notify(p)
	}
}
