package netio

import (
	"sync"
	"time"
)

// deadline is that of one direction. The slot's lock guards it.
type deadline struct {
	timer  *time.Timer
	number uint64 // counts the deadlines that were set, so that a timer which comes late is known
}

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
		s.more.deadlines[d].stop()
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
	number := dl.number
	dl.timer = time.AfterFunc(left, func() { h.expire(d, m, number) })
}

// stop stops the timer, if there is one.
func (d *deadline) stop() {
	d.number++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
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

// expire is called by the timer of a deadline of m with the given number. The slot may have another m by
// now, see shrink.
func (h handle) expire(d direction, m *more, number uint64) {
	s := h.lock()
	if s == nil {
		return
	}
	var w woken
	if s.more == m && m.deadlines[d].number == number {
		s.flags |= d.bit(flagExpired)
		w.take(s, d)
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
	timer   *time.Timer
	stopped bool
}

// The longest and shortest time between two sweeps.
const (
	maxPeriod = 5 * time.Second
	minPeriod = tick
)

func (w *sweeper) start(n *Net) { w.n, w.began = n, time.Now() }

// expect makes sweeps frequent enough for a timeout of d.
func (w *sweeper) expect(d time.Duration) {
	period := min(max(d/8, minPeriod), maxPeriod)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped || w.period != 0 && w.period <= period {
		return
	}
	w.period = period
	if w.timer == nil {
		w.timer = time.AfterFunc(period, w.sweep)
	} else {
		w.timer.Reset(period)
	}
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
	now := uint32(time.Since(w.began) / tick) // wraps around after more than a year
	w.n.ticks.Store(now)
	w.n.mu.Lock()
	pages := w.n.pages[:len(w.n.pages):len(w.n.pages)]
	w.n.mu.Unlock()
	for _, number := range pages {
		for i := range uint32(pageSize) {
			slotOf(number<<pageShift + i).sweep(now)
		}
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
	if s.idle != 0 && s.flags&(flagOpen|flagClosed|flagIdle) == flagOpen && now-s.activity >= s.idle {
		s.flags |= flagIdle
		w.take(s, reading)
		w.take(s, writing)
	}
	s.mu.Unlock()
	w.wake()
}
