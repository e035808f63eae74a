package netio

import (
	"sync"
	"time"
)

// deadline is that of one direction. The slot's lock guards it.
//
// Code that blocks sets deadlines all the time and seldom needs them. So a deadline that is cleared or moved
// to later leaves the timer as it is: expire finds out what it was for. Points in time are since the Net was
// opened; see Net.since.
type deadline struct {
	due   time.Duration // 0: there is none, or it has passed
	alarm time.Duration // when the timer calls expire, or 0
	timer *time.Timer   // nil if none was needed yet
}

// since returns the time since Open. It is not 0.
func (n *Net) since() time.Duration { return time.Since(n.sweeper.began) + 1 }

// SetDeadline sets the deadlines of reading and writing, as net.Conn's does: from then on, and for what
// waits already, the error is os.ErrDeadlineExceeded. A zero at means no deadline.
func (c Conn) SetDeadline(at time.Time) error { return c.setDeadlines(at, true, true) }

// SetReadDeadline is SetDeadline for reading.
func (c Conn) SetReadDeadline(at time.Time) error { return c.setDeadlines(at, true, false) }

// SetWriteDeadline is SetDeadline for writing.
func (c Conn) SetWriteDeadline(at time.Time) error { return c.setDeadlines(at, false, true) }

func (c Conn) setDeadlines(at time.Time, read, write bool) error {
	if err := c.h.setDeadlines(at, read, write); err != nil {
		return c.h.opError("set", err)
	}
	return nil
}

func (h handle) setDeadlines(at time.Time, read, write bool) error {
	s := h.lock()
	if s == nil {
		return errClosed
	}
	var w woken
	if read {
		s.setDeadline(h, reading, at, &w)
	}
	if write {
		s.setDeadline(h, writing, at, &w)
	}
	s.mu.Unlock()
	w.wake()
	return nil
}

// setDeadline sets one deadline. The caller holds the lock of s.
func (s *slot) setDeadline(h handle, d direction, at time.Time, w *woken) {
	s.flags &^= d.bit(flagExpired)
	if s.more != nil {
		s.more.deadlines[d].due = 0
	}
	if at.IsZero() {
		return
	}
	left := time.Until(at)
	if left <= 0 {
		s.flags |= d.bit(flagExpired)
		w.take(s, d)
		return
	}
	m := s.extended()
	dl := &m.deadlines[d]
	dl.due = pageOf(h.number()).net.since() + left
	switch {
	case dl.alarm != 0 && dl.alarm <= dl.due:
	case dl.timer == nil:
		dl.alarm, dl.timer = dl.due, time.AfterFunc(left, func() { h.expire(d, m) })
	default:
		dl.alarm = dl.due
		dl.timer.Reset(left)
	}
}

// stop stops the timer, if there is one.
func (d *deadline) stop() {
	d.due, d.alarm = 0, 0
	if d.timer != nil {
		d.timer.Stop()
	}
}

func (m *more) stop() {
	for d := range m.deadlines {
		m.deadlines[d].stop()
	}
}

// extended returns what few connections have. The caller holds the lock.
func (s *slot) extended() *more {
	if s.more == nil {
		s.more = new(more)
	}
	return s.more
}

// shrink clears the deadlines and gives up the memory of what few connections have. No goroutine waits for
// the connection.
func (h handle) shrink() {
	s := h.lock()
	if s == nil {
		return
	}
	defer s.mu.Unlock()
	s.flags &^= reading.bit(flagExpired) | writing.bit(flagExpired)
	if s.more == nil {
		return
	}
	s.more.stop()
	if len(s.more.peeked) == 0 {
		s.more = nil
	}
}

// expire is called by the timer of a deadline of m. The slot may have another m by now, see shrink. The
// deadline may have changed, and the timer may have been set anew while it called expire: then expire is
// called once more.
func (h handle) expire(d direction, m *more) {
	s := h.lock()
	if s == nil {
		return
	}
	var w woken
	if s.more == m {
		dl := &m.deadlines[d]
		dl.alarm = 0
		now := pageOf(h.number()).net.since()
		switch {
		case dl.due == 0:
		case now < dl.due:
			dl.alarm = dl.due
			dl.timer.Reset(dl.due - now)
		default:
			dl.due = 0
			s.flags |= d.bit(flagExpired)
			w.take(s, d)
		}
	}
	s.mu.Unlock()
	w.wake()
}

// ticksOf returns d in ticks: at least 1 if d is positive.
func ticksOf(d time.Duration) uint32 {
	if d <= 0 {
		return 0
	}
	return uint32(min((d+tick-1)/tick, 1<<31-1))
}

// sweeper looks at all connections of a Net now and then, for those that were idle for too long. It has
// one timer, and none before the first idle timeout.
type sweeper struct {
	n     *Net
	began time.Time

	mu      sync.Mutex
	period  time.Duration // 0: no idle timeout was set; guarded by mu, as what follows
	clock   time.Duration // see advance
	last    time.Time     // when it was advanced
	timer   *time.Timer
	stopped bool
}

// The longest and shortest time between two sweeps.
const (
	maxPeriod = 5 * time.Second
	minPeriod = tick
)

func (w *sweeper) start(n *Net) {
	w.n, w.began = n, time.Now()
	w.last = w.began
}

// expect makes sweeps frequent enough for a timeout of d.
func (w *sweeper) expect(d time.Duration) {
	period := min(max(d/8, minPeriod), maxPeriod)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || w.period != 0 && w.period <= period {
		return
	}
	w.period = period
	w.advance(1<<63 - 1) // ticks are as old as the longer period, or as the Net
	if w.timer == nil {
		w.timer = time.AfterFunc(period, w.sweep)
	} else {
		w.timer.Reset(period)
	}
}

// advance advances the clock by the time since it was advanced last, or by limit, and returns it in ticks. These
// wrap around after more than a year. The caller holds mu.
func (w *sweeper) advance(limit time.Duration) uint32 {
	now := time.Now()
	w.clock += min(now.Sub(w.last), limit)
	w.last = now
	ticks := uint32(w.clock / tick)
	w.n.ticks.Store(ticks)
	return ticks
}

func (w *sweeper) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *sweeper) sweep() {
	// What was used since the last sweep has the time of that one. If this sweep is late, since the process was
	// not running, such a connection must not seem to have been idle for so long.
	w.mu.Lock()
	now := w.advance(2 * w.period)
	w.mu.Unlock()
	for _, s := range w.n.slots() {
		s.sweep(now)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped {
		w.timer.Reset(w.period)
	}
}

// sweep ends the waits of a connection that was idle for too long.
func (s *slot) sweep(now uint32) {
	var w woken
	s.mu.Lock()
	if s.idle != 0 && s.flags&(flagOpen|flagClosed|flagIdle) == flagOpen && int32(now-s.activity) >= int32(s.idle) { // activity may be newer than now
		s.flags |= flagIdle
		w.take(s, reading)
		w.take(s, writing)
	}
	s.mu.Unlock()
	w.wake()
}
