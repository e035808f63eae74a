package coro

import (
	"math"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
)

// timers calls a function when the deadlines of timerNodes are over. All its methods
// may be called from any goroutine.
//
// Its clock has one alarm, set for what is first in the wheel. What keeps a timer from
// being forgotten: when mu is not held and the wheel is not empty, either the alarm is
// set for armed, which is not after next of the wheel, except where advance has more
// to do; or it has gone off, and the call of ring that follows has not locked mu yet.
// add sets the alarm if it has put something before armed, and every ring sets it
// again, whatever armed says. remove leaves it alone, so timers that come and are
// removed cost no call of the clock. An alarm whose timers were all removed goes off
// once, finds nothing, and is not set again.
//
// Who owns a node: the caller until add returns true; then the wheel; then whoever
// takes it out with mu held. That is remove, if it returns true, or withdraw, or ring,
// which reads nothing of it after it has unlocked, and gives it to fire. There is no
// fourth, and a node that is not in the wheel is known by its links, which are zero
// then and guarded by mu: so of remove and fire exactly one gets it. A caller of remove
// that gets false must leave the node to fire, which may have been called with it
// already: that the memory has no other use by then is for the caller to know, for
// example because fire takes a lock that the caller holds.
type timers struct {
	clock Clock
	alarm Alarm // calls ring; guarded by mu

	// fire gets nodes whose deadlines are over. They belong to fire. It is called on
	// the alarm's goroutine, with no lock held, perhaps on several at the same time,
	// and may call any method but close. The slice is not fire's.
	fire func(due []link[timerNode])

	// firing is passed by ring from before it takes nodes until fire has returned, so
	// that close can wait for it.
	firing *gate.Gate

	mu     interleave.Mutex // guards what follows
	wheel  *timerWheel
	armed  int64 // what the alarm is set for, or notArmed
	closed bool
	spare  *timerBatch // not in use by a ring; linked
}

// timerBatch is where one ring has the nodes for fire. There are as many as there were
// rings at the same time.
type timerBatch struct {
	nodes [timerBatchLen]link[timerNode]
	next  *timerBatch
}

const (
	notArmed = math.MaxInt64 // no alarm is of use at this time

	timerBatchLen = 64 // fire gets no more nodes at a time

	// fireTime is how long fire may take before another goroutine goes on with what
	// is due besides.
	fireTime = int64(time.Millisecond)
)

func newTimers(c Clock, fire func(due []link[timerNode])) *timers {
	t := &timers{clock: c, fire: fire, firing: gate.New(), wheel: newTimerWheel(tickShiftOf(c)), armed: notArmed}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarm = c.NewAlarm(t.ring)
	return t
}

func tickShiftOf(c Clock) uint {
	if e, ok := c.(exactClock); ok && e.Exact() {
		return 0
	}
	return tickShift
}

// now returns the clock's time, in ns.
func (t *timers) now() int64 { return int64(t.clock.Now()) }

// date returns when the clock's time will be when, or was.
func (t *timers) date(when int64) time.Time {
	return time.Now().Add(time.Duration(when - t.now()))
}

// after returns the deadline that is d from now. It saturates: math.MaxInt64 is never.
func (t *timers) after(d time.Duration) int64 {
	now := t.now()
	if int64(d) > 0 && now > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return now + int64(d)
}

// add makes fire be called with n at when, a time of the clock, or up to a tick later.
// It returns false if the timers are closed: then n was not added.
//
// n must be zero but for what; see timerNode. fire may have n before add returns.
func (t *timers) add(n *timerNode, when int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	n.when = when
	t.wheel.add(n)
	if begin := t.wheel.tickTime(t.wheel.tickAfter(when)); begin < t.armed {
		t.arm(begin)
	}
	return true
}

// remove takes n back, or returns false: then fire has n, or is about to get it, or n
// was not added. It may be called after close.
func (t *timers) remove(n *timerNode) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wheel.remove(n)
}

// withdraw takes back all nodes that chosen returns true for, which belong to chosen
// then. chosen is called with mu held, for each node once. It may be called after
// close.
func (t *timers) withdraw(chosen func(*timerNode) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wheel.withdraw(chosen)
}

// len returns how many nodes were added and neither fired nor removed.
func (t *timers) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wheel.len()
}

// close makes add refuse from now on. When it returns, fire is not running, and is not
// called any more. Nodes that are left are in the wheel still, for remove or withdraw.
// err is not shown to anybody, but must not be nil.
func (t *timers) close(err error) {
	t.mu.Lock()
	t.closed = true
	t.disarm()
	t.mu.Unlock()
	t.firing.Close(err)
}

// ring is called when the alarm has gone off, or was about to when it was set to
// another time.
func (t *timers) ring() {
	var batch *timerBatch
	for more := true; more; {
		if t.firing.Enter() != nil {
			return
		}
		batch, more = t.takeAndFire(batch)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	batch.next, t.spare = t.spare, batch
}

// takeAndFire leaves the gate that ring has passed, also if fire ends the goroutine, which
// executors that run tasks in Post may do. The alarm is set for what is left then.
func (t *timers) takeAndFire(batch *timerBatch) (_ *timerBatch, more bool) {
	defer t.firing.Leave()
	batch, n, more := t.take(batch)
	if n > 0 {
		t.fire(batch.nodes[:n])
	}
	return batch, more
}

// take takes nodes that are due out of the wheel, and sets the alarm for the rest. A
// ring has no batch yet when it begins: then the alarm may have gone off since somebody
// set it.
func (t *timers) take(batch *timerBatch) (_ *timerBatch, n int, more bool) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if batch == nil {
		if !t.closed {
			t.armed = notArmed
		}
		if batch = t.spare; batch != nil {
			t.spare, batch.next = batch.next, nil
		} else {
			batch = new(timerBatch)
		}
	}
	if t.closed {
		return batch, 0, false
	}
	n, more = t.wheel.advance(now, batch.nodes[:])
	if more {
		// This goroutine comes back for the rest. If fire keeps it, the alarm calls
		// another one.
		if t.armed <= now || t.armed == notArmed {
			t.arm(now + min(fireTime, math.MaxInt64-1-now))
		}
		return batch, n, true
	}
	if when, ok := t.wheel.next(); ok && when != notArmed {
		t.arm(when)
	} else {
		t.disarm()
	}
	return batch, n, false
}

// arm sets the alarm. The caller holds mu.
func (t *timers) arm(when int64) {
	t.armed = when
	now := t.now()
	d := time.Duration(when - now)
	if when > 0 && d < 0 && now < 0 {
		d = math.MaxInt64 // the difference is too large
	}
	t.alarm.Reset(max(d, 0))
}

// disarm stops the alarm, which may be set whatever armed says. The caller holds mu.
func (t *timers) disarm() {
	t.armed = notArmed
	t.alarm.Stop()
}

// fireTimers is told of timers whose time has come. They are ours.
func fireTimers(due []link[timerNode]) {
	woken := wakeLists.Get().(*wakeList)
	for _, l := range due {
		n := l.get()
		if n.what == timerDeadline {
			(*deadlineTimer)(unsafe.Pointer(n)).fire(woken)
			continue
		}
		if n.what&timerAfter != 0 {
			afterTimerOf(n).fire(woken)
			continue
		}
		wakeSleeper((*sleeper)(unsafe.Pointer(n)), flagWoken, woken)
	}
	post(woken)
	woken.recycle()
}

// stopTimers ends the timers of an executor that is being closed, and wakes the sleeping
// tasks, which it leaves to the caller: the gate is closed.
func (x *execRuntime) stopTimers(err error, woken *wakeList) {
	t := x.timing()
	t.close(err)
	var head link[timerNode] // linked by when, which has no other use any more
	t.withdraw(func(n *timerNode) bool {
		if n.what&timerAfter != 0 {
			return false // the scope removes it, or whoever wakes the task
		}
		n.when = int64(head)
		head.set(n)
		return true
	})
	for n := head.get(); n != nil; {
		next := link[timerNode](n.when)
		wakeSleeper((*sleeper)(unsafe.Pointer(n)), 0, woken)
		n = next.get()
	}
}
