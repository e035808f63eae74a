// Package timerwheel has a hierarchical timing wheel for timers that lie in memory outside of
// the Go heap. It has no lock and no clock: the caller says what time it is.
package timerwheel

import (
	"math"
	"math/bits"
	"unsafe"

	"github.com/framearena/framearena/internal/offheap"
)

// A Wheel holds Nodes and gives them out when their times have come. It is made by New. It
// has no lock: the caller sees to it that one goroutine at a time uses it and its Nodes. It
// must not be copied, since Nodes refer to it by integers.
//
// It is a wheel and not a heap because most timers are timeouts, which are removed before
// they fire. Here, to remove a Node is to unlink it. Nothing is compared with other
// timers, and a timer needs no memory but its Node.
//
// # Where a Node is
//
// Time is cut into ticks. Level 0 has a slot for each of 64 ticks, a slot of level 1 stands
// for 64 of these, and so on. Where a Node is follows from its tick t, which is When
// rounded up to a tick, and from the wheel's tick, as long as t is later:
//
//	level = the highest digit, to base 64, in which t and tick differ
//	slot  = that digit of t, which is larger than that of tick
//
// From this follows:
//
//   - In every level, only slots after the tick's digit are in use.
//   - All Nodes of a level are earlier than all of the next level. So the first slot in use
//     is the lowest bit of the lowest level that has one.
//   - Time can go on by any amount at once. If no slot in use begins at or before a later
//     tick, then no Node changes its place when the wheel goes there: the digits above its
//     level are the same for both ticks, and its own digit is still larger. So a jump of
//     hours costs what falls and what is due, and nothing for the ticks.
//   - When time reaches a slot, tick becomes the tick at which the slot begins. A slot of
//     level 0 is due as a whole. The Nodes of another slot are falling: they go, one by one,
//     to where they belong relative to the new tick, which is a lower level or the list of
//     those that are due. So a Node changes its place fewer times than there are levels.
//
// Lists are circular, and their ends are in the wheel. So a Node is unlinked without a look
// for its slot. Only a Node that was alone in its list has the list's end on both sides; the
// address of the end tells which bit to clear. The bits are exact, so Next does
// not return the time of a slot whose Nodes were all removed.
//
// # Accounting
//
//	n = nodes in slots + in falling + in due
//	a bit of used is set   if and only if the slot's list has a Node
//	a bit of levels is set if and only if the level has a bit in used
//
// Validate checks it.
type Wheel struct {
	// tick is the present, and never goes back. All Nodes in due have this tick or an
	// earlier one. Those in falling have this one or a later one: the slot from which they
	// come began at tick.
	tick uint64

	shift uint // a tick is 1<<shift ns; not changed

	n      int
	levels uint32           // the levels with slots in use, a bit each
	used   [levels]uint64   // the slots with Nodes, a bit each
	lists  [listCount]links // the ends of circular lists: slots, then falling, then due
}

// A Node is one timer. It lies in its user's memory, on or outside of the Go heap, and holds
// no pointers. It has at most 32 bytes and begins as zero.
//
// From Add on it belongs to the wheel, until Remove has returned true for it, or Advance or
// Withdraw has taken it out. From then on it belongs to the caller of that, and its links
// are zero.
type Node struct {
	links // first, so that a link to it is one to the Node

	When int64   // the deadline, in ns of the wheel's clock; not changed while the wheel has the Node
	What uintptr // the user's; the wheel does not use it
}

// links are a Node's place in a circular list, or the end of one. They are zero in a Node that
// no wheel has.
type links struct{ next, prev offheap.Link[links] }

const (
	// TickShift is for New: it makes ticks of 2^18 ns, which is 262 µs. On a machine that is
	// busy, the runtime's own timers are late by more. A clock that is exact has
	// ticks of 1 ns, whose shift is 0: then no two times share a tick.
	TickShift = 18

	// Lists is the number of lists that Visit knows.
	Lists = listCount

	slotBits = 6
	slots    = 1 << slotBits

	// levels is how many digits the end of time has with ticks of 1 ns. With those of
	// TickShift 8 are in use, which are enough for every int64.
	levels = (64 + slotBits - 1) / slotBits

	listFalling = levels * slots  // the Nodes of a slot that time has reached
	listDue     = listFalling + 1 // the Nodes whose ticks are not after the wheel's
	listCount   = listDue + 1

	// advanceSteps bounds what one call of Advance does.
	advanceSteps = 256
)

// A Node has at most 32 bytes, its links are first, and no tick has more digits than there are
// levels.
var (
	_ [32 - unsafe.Sizeof(Node{})]struct{}
	_ [-unsafe.Offsetof(Node{}.links)]struct{}
	_ [levels*slotBits - 64]struct{}
)

// New returns an empty Wheel at time 0 whose ticks are 1<<shift ns. It is not inlined, so that
// the Wheel is on the Go heap and not on a stack, which moves.
//
//go:noinline
func New(shift uint) *Wheel {
	w := &Wheel{shift: shift}
	for i := range w.lists {
		w.lists[i].reset()
	}
	return w
}

// Add puts n into the wheel, with When as its deadline. A deadline that is over is due at
// once. It panics if n's links are not zero: n is in a wheel, or its memory was not cleared.
func (w *Wheel) Add(n *Node) {
	if n.prev != 0 {
		panic("timerwheel: a Node was added twice, or its memory was not cleared: a Node is zero, or comes from Remove or Advance")
	}
	w.n++
	w.place(n)
}

// Remove takes n out of the wheel. It returns false if n is not there: it never was, or it was
// removed before, or Advance or Withdraw has taken it out.
//
// It reads n, so the caller must know that the memory has no other use yet.
func (w *Wheel) Remove(n *Node) bool {
	if n.prev == 0 {
		return false
	}
	next, prev := n.next, n.prev
	n.unlink()
	w.n--
	if next == prev { // the list has nothing but its end now, or one other Node
		w.emptied(prev)
	}
	return true
}

// emptied clears the bit of the slot whose list l is the end of. It does nothing if l is not
// the end of an empty list.
func (w *Wheel) emptied(l offheap.Link[links]) {
	i := (uintptr(l) - uintptr(unsafe.Pointer(&w.lists))) / unsafe.Sizeof(links{})
	if i >= listFalling || l.Get().next != l {
		return
	}
	level := i / slots
	if w.used[level] &^= 1 << (i % slots); w.used[level] == 0 {
		w.levels &^= 1 << level
	}
}

// place puts n, which is in no list, where it belongs.
func (w *Wheel) place(n *Node) {
	t := w.tickAfter(n.When)
	if t <= w.tick {
		w.lists[listDue].pushBack(n)
		return
	}
	level := uint(bits.Len64(t^w.tick)-1) / slotBits
	slot := uint(t>>(level*slotBits)) % slots
	w.lists[level*slots+slot].pushBack(n)
	w.used[level] |= 1 << slot
	w.levels |= 1 << level
}

// Advance moves time on to now. It takes up to len(due) Nodes that are due out of the wheel,
// and returns how many it has put into due. They come in the order of their ticks and,
// within a tick, of Add; only a Node that is added while a slot is falling may come before
// others of its tick.
//
// A call does a bounded amount of work, at most 256 small steps, since a slot of a high
// level may have 100,000 Nodes and other goroutines want the caller's lock. more reports
// that there is more to do at this time: then the caller calls again. In between, the
// other Nodes of the slot are in the list falling, and all methods work.
//
// If now is before the wheel's time, as after a clock has gone back, nothing is due.
//
// due has integers, since the memory of a Node may be gone before due is used again.
func (w *Wheel) Advance(now int64, due []offheap.Link[Node]) (n int, more bool) {
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
			due[n].Set(ready.popFront())
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
			to.takeAll(&w.lists[level*slots+slot])
		}
	}
	return n, true
}

// first returns the first slot in use and the tick at which it begins. The lists falling and
// due are no slots.
func (w *Wheel) first() (level, slot uint, begin uint64, ok bool) {
	if w.levels == 0 {
		return 0, 0, 0, false
	}
	level = uint(bits.TrailingZeros32(w.levels)) % levels
	slot = uint(bits.TrailingZeros64(w.used[level]))
	shift := level * slotBits
	begin = (w.tick>>shift&^(slots-1) | uint64(slot)) << shift
	return level, slot, begin, true
}

// Next returns the time at which Advance has to be called again. It is not later than the
// first Node is due. It may be earlier, since a slot has to fall before its Nodes can be told
// apart. For a slot with a single Node, Next returns the time at which that Node is due. So
// a Node that is far away makes the caller wake up fewer times than there are levels. ok is
// false if the wheel is empty.
func (w *Wheel) Next() (when int64, ok bool) {
	if !w.lists[listDue].empty() || !w.lists[listFalling].empty() {
		return w.tickTime(w.tick), true
	}
	level, slot, begin, ok := w.first()
	if !ok {
		return 0, false
	}
	if l := &w.lists[level*slots+slot]; l.next == l.prev {
		begin = w.tickAfter(l.next.Get().node().When)
	}
	return w.tickTime(begin), true
}

// Len returns how many Nodes are in the wheel.
func (w *Wheel) Len() int { return w.n }

// Withdraw takes out all Nodes for which chosen returns true. It calls chosen once for each
// Node. A Node belongs to chosen as soon as it is chosen. chosen must not touch the wheel
// or other Nodes.
func (w *Wheel) Withdraw(chosen func(*Node) bool) {
	pass := func(i int) {
		end := &w.lists[i]
		for l := end.next.Get(); l != end; {
			n := l.node()
			l = l.next.Get()
			// It is out before chosen may give it away, and goes back to its place.
			at := n.links
			w.Remove(n)
			if chosen(n) {
				continue
			}
			n.links = at
			at.prev.Get().next.Set(&n.links)
			at.next.Get().prev.Set(&n.links)
			w.n++
			if i < listFalling {
				w.used[i/slots] |= 1 << (i % slots)
				w.levels |= 1 << (i / slots)
			}
		}
	}
	pass(listDue)
	pass(listFalling)
	for level := range levels {
		for used := w.used[level]; used != 0; used &= used - 1 {
			pass(level*slots + bits.TrailingZeros64(used))
		}
	}
}

// Visit calls see for all Nodes of one of the lists: 0 ≤ list < Lists. A visit of all of the
// wheel goes from Lists-1 down to 0: from the last slot of the highest level to the first
// one of the lowest, then to the Nodes that are due, then to those that are falling. see
// must not touch the wheel.
func (w *Wheel) Visit(list int, see func(*Node)) {
	end := &w.lists[(list+listFalling)%listCount]
	for l := end.next.Get(); l != end; l = l.next.Get() {
		see(l.node())
	}
}

// TickTime returns the time at which a Node with the deadline when is due: when, rounded up to
// a tick.
func (w *Wheel) TickTime(when int64) int64 { return w.tickTime(w.tickAfter(when)) }

// tickAfter returns the first tick that is not before when.
func (w *Wheel) tickAfter(when int64) uint64 {
	switch {
	case when < 0:
		return 0
	case when == math.MaxInt64:
		return w.endOfTime()
	}
	return (uint64(when) + 1<<w.shift - 1) >> w.shift
}

// tickBefore returns the last tick that is not after now, which is not negative.
func (w *Wheel) tickBefore(now int64) uint64 {
	if now == math.MaxInt64 {
		return w.endOfTime()
	}
	return uint64(now) >> w.shift
}

// tickTime returns when t begins.
func (w *Wheel) tickTime(t uint64) int64 {
	if t >= w.endOfTime() {
		return math.MaxInt64
	}
	return int64(t << w.shift)
}

// endOfTime returns the tick after the last one that is complete in an int64. Deadlines in the
// incomplete one are rounded up to it, and so are never due before the time math.MaxInt64,
// whose tick it is.
func (w *Wheel) endOfTime() uint64 { return 1 << (63 - w.shift) }

// node returns the Node that l is part of. l must not be the end of a list.
func (l *links) node() *Node { return (*Node)(unsafe.Pointer(l)) }

// reset makes l the end of an empty list.
func (l *links) reset() {
	l.next.Set(l)
	l.prev.Set(l)
}

// empty reports whether l is the end of an empty list. l must be the end of one.
func (l *links) empty() bool { return l.next.Get() == l }

// pushBack puts n into the list that l is the end of.
func (l *links) pushBack(n *Node) {
	n.next.Set(l)
	n.prev = l.prev
	l.prev.Get().next.Set(&n.links)
	l.prev.Set(&n.links)
}

// popFront takes the first Node out of the list that l is the end of, which must not be empty.
func (l *links) popFront() *Node {
	n := l.next.Get().node()
	n.unlink()
	return n
}

// unlink takes l out of its list.
func (l *links) unlink() {
	l.next.Get().prev = l.prev
	l.prev.Get().next = l.next
	*l = links{}
}

// takeAll moves the whole list of from, which must not be empty, to l, which must be.
func (l *links) takeAll(from *links) {
	*l = *from
	l.next.Get().prev.Set(l)
	l.prev.Get().next.Set(l)
	from.reset()
}
