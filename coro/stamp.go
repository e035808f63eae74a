package coro

// How long tasks have waited.
//
// A task that begins to wait notes no time: that would cost every wait, and the frame has no room.
// Surveys find out instead (survey.go). A survey writes a stamp, the time, into the frame of each
// task that it sees waiting for the first time. The next survey finds the stamp, so the task has
// waited since then, or longer. When the task resumes, takeOutcome removes the stamp. So an age is
// a lower bound: the task has waited for at least so long, and for less than that plus the time
// between two surveys. Waits that no survey sees cost nothing.
//
// # Where the stamp is
//
// A visitor holds the lock of what the task waits for, so the frame's header is its to write. A
// stamped frame has flagStamped in header.layout. Its header.at has the stamp in the bits from
// stampShift on, which the resume point does not need: a task whose resume point is 65,535 or more
// gets no stamp, and its age is 0. No other reader of at meets a stamp: takeOutcome removes it
// before the next step, runCleanup if the task is cancelled, and Cond.move if the task begins to
// wait for another thing. takeOutcome finds flagStamped with the compare that it does anyway.
//
// The header of a task in a Select is written while the lock of its first case is held, with its
// proxy in the queue. The goroutine that claims another case takes that lock, in drop, before it
// touches the task.
//
// # What the stamp says
//
// A stamp has 15 bits. It counts half seconds, or units of 20 minutes, and both counts wrap. A fine
// stamp wraps after 68 minutes, but a survey that finds one older than half of that replaces it by a
// coarse one, which wraps after 341 days. So when a survey begins, all fine stamps are from the
// 34 minutes before the end of the survey before, however long ago that was, and the survey knows
// which of the times with the same number is meant. If a survey has missed a task (see visitTimers),
// a later one may take its stamp for a later time: then the age is too small, as a lower bound may be.
// So it is, for one task in 8,192, if no survey came for more than half an hour: the number of its
// stamp is that of the present time.
//
// A stamp's time is rounded up, to not before the moment when the task was seen. That is why the
// stamper looks at the clock for each new stamp, with the lock held. For the age of a task that has a
// stamp, a look now and then will do.

import "time"

const (
	stampShift   = 16
	stampedAt    = 1<<stampShift - 1 // the bits of the resume point, in at
	fineStamps   = 1 << 13
	coarseStamps = 1<<15 - fineStamps
	fineUnit     = 500 * time.Millisecond
	coarseUnit   = 20 * time.Minute
)

// stampClock returns the time that stamps go by. It never goes back. Tests replace it.
var stampClock = func() time.Duration { return time.Since(stampBase) }

var stampBase = time.Now()

// stamper reads and writes the stamps of one executor's tasks, in one survey. It belongs to the
// survey's goroutine.
type stamper struct {
	began, now time.Duration // of this survey
	last       time.Duration // when the survey before ended
	age        time.Duration // of the task that was stamped last
}

// begin begins a survey. last is when the one before ended.
func (s *stamper) begin(last time.Duration) {
	s.tick()
	s.began, s.last = s.now, last
}

// tick takes the time. It is called now and then, and for each new stamp: so now is not before
// any stamp.
func (s *stamper) tick() { s.now = stampClock() }

// stamp stores in age for how long the task of h has waited, at least, and stamps h if it has no
// stamp. The caller holds the lock of what the task waits for.
func (s *stamper) stamp(h *header) {
	s.age = 0
	if h.layout&flagStamped == 0 {
		if at := h.at & atMask; at < stampedAt {
			s.tick()
			h.at |= fineStamp(s.now) << stampShift
			h.layout |= flagStamped
		}
		return
	}
	n := h.at & atMask >> stampShift
	var since time.Duration
	if n < fineStamps {
		since = s.timeOf(n)
		if s.now-since > fineStamps/2*fineUnit {
			coarse := fineStamps + uint32(units(since, coarseUnit)%coarseStamps)
			h.at = h.at&(atFailed|stampedAt) | coarse<<stampShift
		}
	} else {
		since = latest(units(s.last, coarseUnit), n-fineStamps, coarseStamps, coarseUnit)
	}
	s.age = max(0, s.now-since)
}

// fineStamp returns the fine stamp for the time t.
func fineStamp(t time.Duration) uint32 { return uint32(units(t, fineUnit) % fineStamps) }

// timeOf returns the time of a fine stamp. This survey may have made it, a moment ago.
func (s *stamper) timeOf(n uint32) time.Duration {
	if t := latest(units(s.now, fineUnit), n, fineStamps, fineUnit); t >= s.began {
		return t
	}
	return latest(units(s.last, fineUnit), n, fineStamps, fineUnit)
}

// latest returns the latest time that a stamp may stand for, which is n modulo the number of stamps,
// and not later than most. All are in units.
func latest(most int64, n uint32, stamps int64, unit time.Duration) time.Duration {
	back := (most - int64(n)) % stamps
	if back < 0 {
		back += stamps
	}
	return time.Duration(most-back) * unit
}

// units returns how many units d is, rounded up.
func units(d, unit time.Duration) int64 { return int64((d + unit - 1) / unit) }

// unstamp removes the stamp of h, if it has one. The caller has h to itself.
func (h *header) unstamp() {
	if h.layout&flagStamped != 0 {
		h.layout &^= flagStamped
		h.at &= atFailed | stampedAt
	}
}
