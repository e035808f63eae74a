package coro

import (
	"math"
	"math/bits"
	"unsafe"
)

// timerWheel is a hierarchical timing wheel. It belongs to whoever holds the lock of
// the [timers] that it is part of. It must not move, since nodes refer to it by
// integers: newTimerWheel makes it.
//
// Time is cut into ticks. Level 0 has a slot for each of 64 ticks, a slot of level 1
// stands for 64 of these, and so on. Where a node with the tick t is follows from t
// and from the wheel's tick alone, as long as t is later:
//
//	level = the highest digit, to base 64, in which t and tick differ
//	slot  = that digit of t, which is larger than that of tick
//
// So, in every level, only slots after the tick's digit are in use, and all nodes of a
// level are earlier than all of the next one: what comes first is the lowest bit of
// the lowest level that has any. That is why time can go on by any amount at once. If
// no slot in use begins at or before a later tick, no node changes its place by going
// there: the digits above its level are the same for both ticks, and its own digit is
// still larger.
//
// When time reaches a slot, the tick becomes that at which the slot begins. A slot of
// level 0 is due as a whole. The nodes of another one go, one by one, to where they
// are relative to that tick: to a lower level, or to those that are due. A node
// changes its place less than levels times.
//
// The accounting: n = nodes in slots + in falling + in due. A bit of used is set if and
// only if the slot's list has a node, and one of levels if and only if the level has a
// bit.
type timerWheel struct {
	// tick is the present, and never goes back. All in due has this tick or an
	// earlier one. What is in falling has this one or a later one; the slot from which
	// it comes began at tick.
	tick uint64

	shift uint // a tick is 1<<shift ns; never changed

	n      int
	levels uint32                 // which have slots in use
	used   [timerLevels]uint64    // which slots have nodes
	lists  [timerLists]timerLinks // the ends of circular lists: slots, falling, due
}

// timerNode is a timer. It lies in memory of whoever waits, in a frame or in a slot on
// the Go heap that lives for ever, and holds no pointers. It begins as zero.
//
// From add on it belongs to the wheel, and so to the holder of the lock, until remove
// has returned true or advance has taken it out, both under the lock: one of the two
// gets it, and whoever that is owns the memory from then on.
type timerNode struct {
	timerLinks // first, so that a link to it is one to the node

	when int64   // the deadline, in ns of the wheel's clock
	what uintptr // whose it is: nothing to the wheel
}

// timerLinks are in a circular list, or zero: then the node is in no wheel.
type timerLinks struct{ next, prev link[timerLinks] }

const (
	// tickShift makes ticks of 262 µs. The runtime's own timers are late by more
	// than that on a machine that is busy. A clock that is exact has ticks of 1 ns.
	tickShift = 18

	slotBits    = 6
	timerSlots  = 1 << slotBits
	timerLevels = (64 + slotBits - 1) / slotBits // so many digits has endOfTime if ticks are 1 ns

	listFalling = timerLevels * timerSlots // the nodes of a slot that time has reached
	listDue     = listFalling + 1
	timerLists  = listDue + 1

	// advanceSteps bounds what one call of advance does.
	advanceSteps = 256
)

// A node is at most 32 bytes, and every tick has no more digits than there are levels.
var (
	_ [32 - unsafe.Sizeof(timerNode{})]struct{}
	_ [timerLevels*slotBits - 64]struct{}
	_ [-unsafe.Offsetof(timerNode{}.timerLinks)]struct{}
)

// newTimerWheel returns an empty wheel at time 0, whose ticks are 1<<shift ns. It is not inlined, so that what it
// returns is on the Go heap and not on a stack, which moves.
//
//go:noinline
func newTimerWheel(shift uint) *timerWheel {
	w := &timerWheel{shift: shift}
	for i := range w.lists {
		w.lists[i].reset()
	}
	return w
}

// add puts n, whose when is a time, into the wheel. A time that is over is due at
// once.
func (w *timerWheel) add(n *timerNode) {
	if n.prev != 0 {
		panic("coro: a timer was added twice, or its memory was not cleared: a timerNode is zero, or comes from remove or advance")
	}
	w.n++
	w.place(n)
}

// remove takes n out of the wheel, or returns false: then it is not there. It never
// was, or was removed before, or advance has taken it.
//
// It reads n, so the caller knows that n has no other use yet.
func (w *timerWheel) remove(n *timerNode) bool {
	if n.prev == 0 {
		return false
	}
	next, prev := n.next, n.prev
	n.unlink()
	w.n--
	if next == prev { // nothing is left in the list but its end, or another node
		w.emptied(prev)
	}
	return true
}

// emptied clears the bit of the slot whose list l is the end of, if it is one of an
// empty list.
func (w *timerWheel) emptied(l link[timerLinks]) {
	i := (uintptr(l) - uintptr(unsafe.Pointer(&w.lists))) / unsafe.Sizeof(timerLinks{})
	if i >= listFalling || l.get().next != l {
		return
	}
	level := i / timerSlots
	if w.used[level] &^= 1 << (i % timerSlots); w.used[level] == 0 {
		w.levels &^= 1 << level
	}
}

// place puts n, which is in no list, where it belongs.
func (w *timerWheel) place(n *timerNode) {
	t := w.tickAfter(n.when)
	if t <= w.tick {
		w.lists[listDue].pushBack(n)
		return
	}
	level := uint(bits.Len64(t^w.tick)-1) / slotBits
	slot := uint(t>>(level*slotBits)) % timerSlots
	w.lists[level*timerSlots+slot].pushBack(n)
	w.used[level] |= 1 << slot
	w.levels |= 1 << level
}

// advance moves time on to now, and takes up to len(due) nodes that are due out of the
// wheel, in the order of their ticks and, within a tick, of add. Only a node that is
// added while a slot is falling may come before others of its tick.
//
// It does a bounded amount of work, so that the lock is not held for long. more says
// that it has not come to the end: then the caller calls again.
//
// If now is before the wheel's time, nothing is due. due has integers, since the memory
// of a node may be gone before due is used again.
func (w *timerWheel) advance(now int64, due []link[timerNode]) (n int, more bool) {
	if now < w.tickTime(w.tick) {
		return 0, false
	}
	target := w.tickBefore(now)
	ready, falling := &w.lists[listDue], &w.lists[listFalling]
	for range advanceSteps {
		switch {
		case !ready.empty():
			if n == len(due) {
				return n, true
			}
			due[n].set(ready.popFront())
			n++
			w.n--
		case !falling.empty():
			w.place(falling.popFront())
		default:
			level, slot, begin, ok := w.first()
			if !ok || begin > target {
				w.tick = target
				return n, false
			}
			w.tick = begin
			if w.used[level] &^= 1 << slot; w.used[level] == 0 {
				w.levels &^= 1 << level
			}
			to := ready
			if level > 0 {
				to = falling
			}
			to.takeAll(&w.lists[level*timerSlots+slot])
		}
	}
	return n, true
}

// first returns the first slot in use, and the tick at which it begins. Neither
// falling nor due are slots.
func (w *timerWheel) first() (level, slot uint, begin uint64, ok bool) {
	if w.levels == 0 {
		return 0, 0, 0, false
	}
	level = uint(bits.TrailingZeros32(w.levels)) % timerLevels
	slot = uint(bits.TrailingZeros64(w.used[level]))
	shift := level * slotBits
	begin = (w.tick>>shift&^(timerSlots-1) | uint64(slot)) << shift
	return level, slot, begin, true
}

// next returns when advance has to be called again: not before anything can be due, and
// not after the first node is. It may be earlier than that, since a slot has to fall
// before its nodes can be told apart; but a slot with one node is no reason, and so a
// node that is far away is a reason less than levels times.
func (w *timerWheel) next() (when int64, ok bool) {
	if !w.lists[listDue].empty() || !w.lists[listFalling].empty() {
		return w.tickTime(w.tick), true
	}
	level, slot, begin, ok := w.first()
	if !ok {
		return 0, false
	}
	if l := &w.lists[level*timerSlots+slot]; l.next == l.prev {
		begin = w.tickAfter(l.next.get().node().when)
	}
	return w.tickTime(begin), true
}

// len returns how many nodes are in the wheel.
func (w *timerWheel) len() int { return w.n }

// withdraw removes all nodes that chosen returns true for. It looks at every node once.
// A node that was chosen belongs to chosen, which must leave the others alone, and the
// wheel too.
func (w *timerWheel) withdraw(chosen func(*timerNode) bool) {
	pass := func(i int) {
		end := &w.lists[i]
		for l := end.next.get(); l != end; {
			n := l.node()
			l = l.next.get()
			// It is out before chosen may give it away, and goes back where it was.
			at := n.timerLinks
			w.remove(n)
			if chosen(n) {
				continue
			}
			n.timerLinks = at
			at.prev.get().next.set(&n.timerLinks)
			at.next.get().prev.set(&n.timerLinks)
			w.n++
			if i < listFalling {
				w.used[i/timerSlots] |= 1 << (i % timerSlots)
				w.levels |= 1 << (i / timerSlots)
			}
		}
	}
	pass(listDue)
	pass(listFalling)
	for level := range timerLevels {
		for used := w.used[level]; used != 0; used &= used - 1 {
			pass(level*timerSlots + bits.TrailingZeros64(used))
		}
	}
}

// visit shows see all nodes of a list. see must leave the wheel alone.
func (w *timerWheel) visit(list int, see func(*timerNode)) {
	end := &w.lists[list]
	for l := end.next.get(); l != end; l = l.next.get() {
		see(l.node())
	}
}

// tickAfter returns the first tick that is not before when.
func (w *timerWheel) tickAfter(when int64) uint64 {
	switch {
	case when < 0:
		return 0
	case when == math.MaxInt64:
		return w.endOfTime()
	}
	return (uint64(when) + 1<<w.shift - 1) >> w.shift
}

// tickBefore returns the last tick that is not after now, which is not negative.
func (w *timerWheel) tickBefore(now int64) uint64 {
	if now == math.MaxInt64 {
		return w.endOfTime()
	}
	return uint64(now) >> w.shift
}

// tickTime returns when t begins.
func (w *timerWheel) tickTime(t uint64) int64 {
	if t >= w.endOfTime() {
		return math.MaxInt64
	}
	return int64(t << w.shift)
}

// endOfTime returns the tick of what is later than the last one that is complete in an
// int64. Only the time math.MaxInt64 has it.
func (w *timerWheel) endOfTime() uint64 { return 1 << (63 - w.shift) }

// node returns the node that l is part of. l must not be the end of a list.
func (l *timerLinks) node() *timerNode { return (*timerNode)(unsafe.Pointer(l)) }

// reset makes l the end of an empty list.
func (l *timerLinks) reset() {
	l.next.set(l)
	l.prev.set(l)
}

func (l *timerLinks) empty() bool { return l.next.get() == l }

func (l *timerLinks) pushBack(n *timerNode) {
	n.next.set(l)
	n.prev = l.prev
	l.prev.get().next.set(&n.timerLinks)
	l.prev.set(&n.timerLinks)
}

// popFront must not be called on an empty list.
func (l *timerLinks) popFront() *timerNode {
	n := l.next.get().node()
	n.unlink()
	return n
}

// unlink takes l out of its list.
func (l *timerLinks) unlink() {
	l.next.get().prev = l.prev
	l.prev.get().next = l.next
	*l = timerLinks{}
}

// takeAll moves all of from, which is not empty, to l, which is.
func (l *timerLinks) takeAll(from *timerLinks) {
	*l = *from
	l.next.get().prev.set(l)
	l.prev.get().next.set(l)
	from.reset()
}
