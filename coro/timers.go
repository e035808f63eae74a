package coro

import (
	"math"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/offheap"
	"github.com/framearena/framearena/internal/timerwheel"
)

// timers are those of one executor: a wheel, its lock, a clock and the clock's one alarm. They
// call fire with the nodes whose deadlines are over. They do not know what a node is for. All
// methods may be called from any goroutine.
//
// A deadline is rounded up to a tick of the wheel. So a timer is not early, and it is late
// by less than a tick plus what the alarm is late.
//
// # No timer is forgotten
//
// There is one alarm, which is set again and never made anew. While mu is free, the timers are
// not closed and the wheel has a node whose time will come, one of these holds:
//
//  1. The alarm is set for armed, and armed is not after wheel.Next.
//  2. The alarm has gone off, and the call of ring that follows has not locked mu yet.
//  3. A ring has found more than one Advance does. Its goroutine comes back for the rest
//     when fire returns; and in case that takes long, the alarm is set, for fireTime from
//     then at the latest. So nobody's timers wait for somebody else's task, even if an
//     executor runs tasks in Post.
//
// Each operation leaves it so. add sets the alarm if the new node is before armed: a million
// timers in increasing order set it once. remove and withdraw only make Next later, and leave
// the alarm alone: so timers that are added and removed cost no call of the clock. An alarm
// whose timers were all removed goes off once, finds what comes next and is set for that, or
// for nothing. Every ring sets the alarm before it unlocks mu, whatever armed says: so an alarm
// that goes off too early, late or twice does no harm.
//
// # One owner for each node
//
// A node belongs to the caller until add returns true, and then to the wheel. What takes it
// out with mu held owns it from then on: remove, if it returns true, or withdraw, or ring,
// which gives it to fire and reads nothing of it after it has unlocked mu. There is no
// fourth. A node that is not in the wheel has zero links, which mu guards; so of remove and
// fire exactly one gets it.
//
// remove reads the node. A caller that gets false must leave the node to fire, which may have
// been called with it already. That the memory has no other use by then is for the caller to
// ensure: by a lock that fire takes too, or by
// a word with which the two agree who comes second (see select_proxy.go and scope.go).
type timers struct {
	clock Clock // not changed
	base  int64 // the clock's time that is 0 for the wheel, which knows no times before 0; not changed
	alarm Alarm // calls ring; guarded by mu

	// fire gets the nodes whose deadlines are over, and owns them. It is called on the
	// alarm's goroutine, with no lock held, perhaps on several goroutines at the same time.
	// It may call any method but close. The slice is not fire's. Not changed.
	fire func(due []offheap.Link[timerwheel.Node])

	// firing is passed by ring from before it takes nodes until fire has returned, so that
	// close can wait for that.
	firing *gate.Gate

	mu     interleave.Mutex // guards what follows
	wheel  *timerwheel.Wheel
	armed  int64 // what the alarm is set for, or notArmed
	closed bool
	spare  *timerBatch // those that no ring uses; linked
}

// timerBatch is where a ring has the nodes for fire. It belongs to that ring, or is in
// timers.spare. There are as many as there were rings at the same time.
type timerBatch struct {
	nodes [timerBatchLen]offheap.Link[timerwheel.Node]
	next  *timerBatch
}

const (
	notArmed = math.MaxInt64 // an alarm for the end of time is of no use

	timerBatchLen = 64 // fire gets no more nodes in one call

	// fireTime is how long fire may take before another goroutine takes the other nodes that
	// are due.
	fireTime = int64(time.Millisecond)
)

func newTimers(c Clock, fire func(due []offheap.Link[timerwheel.Node])) *timers {
	t := &timers{clock: c, fire: fire, firing: gate.New(), wheel: timerwheel.New(tickShiftOf(c)), armed: notArmed}
	t.base = min(int64(c.Now()), 0)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.alarm = c.NewAlarm(t.ring)
	return t
}

// tickShiftOf returns the binary logarithm of a tick of c, in ns.
func tickShiftOf(c Clock) uint {
	if e, ok := c.(exactClock); ok && e.Exact() {
		return 0
	}
	return timerwheel.TickShift
}

// now returns the clock's time since base, in ns. It saturates: the clock may begin far before 0.
func (t *timers) now() int64 {
	now := int64(t.clock.Now())
	if t.base != 0 && now > math.MaxInt64+t.base {
		return math.MaxInt64
	}
	return now - t.base
}

// date returns the real time at which the clock's time is when.
func (t *timers) date(when int64) time.Time {
	return time.Now().Add(time.Duration(when - t.now()))
}

// after returns the clock's time d from now. It saturates: math.MaxInt64 is never.
func (t *timers) after(d time.Duration) int64 {
	now := t.now()
	if int64(d) > 0 && now > math.MaxInt64-int64(d) {
		return math.MaxInt64
	}
	return now + int64(d)
}

// add makes fire be called with n at when, a time of the clock, or up to a tick later. It
// returns false if the timers are closed: then n was not added.
//
// n must be zero but for What. fire may have n before add returns.
func (t *timers) add(n *timerwheel.Node, when int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	n.When = when
	t.insert(n)
	return true
}

// addTimed is add for a node whose When is set, and read by others meanwhile: it is not written.
func (t *timers) addTimed(n *timerwheel.Node) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.insert(n)
	return true
}

// insert puts n into the wheel. The caller holds mu.
func (t *timers) insert(n *timerwheel.Node) {
	t.wheel.Add(n)
	if due := t.wheel.TickTime(n.When); due < t.armed {
		t.arm(due)
	}
}

// remove takes n back. If it returns false, fire has n or is about to get it, or n was not
// added. It may be called after close.
func (t *timers) remove(n *timerwheel.Node) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wheel.Remove(n)
}

// withdraw takes back all nodes for which chosen returns true; they belong to chosen then. It
// calls chosen once for each node, with mu held. It may be called after close.
func (t *timers) withdraw(chosen func(*timerwheel.Node) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wheel.Withdraw(chosen)
}

// len returns how many nodes were added and neither fired nor taken back.
func (t *timers) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.wheel.Len()
}

// close makes add refuse from now on. When it returns, fire is not running and is not called
// any more. Nodes that are left are still in the wheel, for remove or withdraw. close must
// not be called in fire, which it waits for. err must not be nil; nobody gets it.
func (t *timers) close(err error) {
	t.mu.Lock()
	t.closed = true
	t.disarm()
	t.mu.Unlock()
	t.firing.Close(err)
}

// ring is called by the alarm. It may come late: the alarm may have been set to another time
// or stopped since it went off.
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

// takeAndFire leaves the gate that ring has passed, also if fire ends the goroutine, as tasks
// may that an executor runs in Post. The alarm is set for the other nodes then.
func (t *timers) takeAndFire(batch *timerBatch) (_ *timerBatch, more bool) {
	defer t.firing.Leave()
	batch, n, more := t.take(batch)
	if n > 0 {
		t.fire(batch.nodes[:n])
	}
	return batch, more
}

// take takes nodes that are due out of the wheel into batch, and sets the alarm for the
// others. batch is nil in the first call of a ring: the alarm has gone off then, so armed no
// longer says when it will.
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
	n, more = t.wheel.Advance(now, batch.nodes[:])
	if more {
		// This goroutine comes back for the rest. If fire takes too long, the alarm calls
		// another one.
		if t.armed <= now || t.armed == notArmed {
			t.arm(now + min(fireTime, math.MaxInt64-1-now))
		}
		return batch, n, true
	}
	if when, ok := t.wheel.Next(); ok && when != notArmed {
		t.arm(when)
	} else {
		t.disarm()
	}
	return batch, n, false
}

// arm sets the alarm for when. The caller holds mu.
func (t *timers) arm(when int64) {
	t.armed = when
	t.alarm.Reset(max(time.Duration(when-t.now()), 0))
}

// disarm stops the alarm. It does so even if armed says that it is not set: it may be. The
// caller holds mu.
func (t *timers) disarm() {
	t.armed = notArmed
	t.alarm.Stop()
}

// What a node is for is in its What:
//
//   - for a sleeping task timerTask, with the address of its frame, whose lowest bits are 0, and some
//     of the three bits that follow;
//   - for a selection timerCase, with the number of the After;
//   - for a childScope the address of its environment: none of the two.
const (
	timerTask   = 1 << iota
	timerListed // part of a sleeper whose task is in a scope
	timerApart  // part of a sleeper that has a piece of memory of its own
	timerSelect // part of an afterSleeper

	timerCase  = 2 // without timerTask
	timerShift = 2 // of the number of an After
	timerSorts = timerTask | timerCase

	timerBits = timerTask | timerListed | timerApart | timerSelect
)

// The addresses of frames and of environments leave the bits free.
var (
	_ [elisionUnit - 1 - timerBits]struct{}
	_ [unsafe.Alignof(Environment{}) - 1 - timerSorts]struct{}
)

// fireTimers is the fire of the executor's timers. It owns the nodes.
func (rt *execRuntime) fireTimers(due []offheap.Link[timerwheel.Node]) {
	woken := wakeLists.Get().(*wakeList)
	for _, l := range due {
		n := l.Get()
		switch {
		case n.What&timerTask != 0:
			wakeSleeper((*sleeper)(unsafe.Pointer(n)), flagWoken, woken)
		case n.What&timerCase != 0:
			selectionOf(n).fire(woken)
		default:
			scopeOfTimer(n).fire(rt, woken)
		}
	}
	post(woken)
	woken.recycle()
}

// stopTimers closes the timers of an executor that is being closed, and wakes the sleeping
// tasks. These are left to the caller, which runs them: the gate is closed already.
func (rt *execRuntime) stopTimers(err error, woken *wakeList) {
	t := rt.timing()
	t.close(err)
	var head offheap.Link[timerwheel.Node] // linked by When, which has no other use any more
	t.withdraw(func(n *timerwheel.Node) bool {
		if n.What&timerTask == 0 {
			return false // its scope removes it, or the goroutine that wakes its task
		}
		n.When = int64(head)
		head.Set(n)
		return true
	})
	for n := head.Get(); n != nil; {
		next := offheap.Link[timerwheel.Node](n.When)
		wakeSleeper((*sleeper)(unsafe.Pointer(n)), 0, woken)
		n = next.Get()
	}
}
