package executor

import "unsafe"

// A deque is that of Chase and Lev ("Dynamic Circular Work-Stealing Deque", 2005), with a
// fixed array: it does not grow. Its tasks are
//
//	slots[i%dequeSize] for top <= i < bottom, and bottom-top <= dequeSize
//
// Three facts make sure that each task is taken once, by the owner or by a thief. A thief is
// any goroutine that calls take; the owner may be one.
//
// 1. Each index has one winner. top changes only by a compare-and-swap from t to t+1, and
// the task at index t belongs to the goroutine that makes it. top never goes down, so a
// goroutine that has loaded t knows that no compare-and-swap from a smaller value succeeds
// later. On 64-bit machines top never wraps. On 32-bit machines a thief fails only if it is
// stopped between its load and its compare-and-swap for exactly 2^32 takes, as in the run
// queue of Go's scheduler.
//
// 2. A thief reads the task of its index. It loads top, then bottom, then the slot, and then
// changes top. push stores the slot before bottom, and both stores release: a thief that sees
// the new bottom sees the task. The owner overwrites the slot of index t only with the task
// of index t+dequeSize, and push refuses that while it sees top at t. If top has moved, a
// thief may have loaded the wrong task, but its compare-and-swap from t fails.
//
// 3. The owner and a thief do not both take the newest task. pop lowers bottom to b by a
// swap, which is a barrier, and then loads top.
//   - If top < b, pop takes the task at b without another operation. A thief of index b has
//     loaded b from top. As top never goes down, that load comes after the owner's, and so
//     after the swap. The thief's load of bottom comes later still: it finds b, and the thief
//     stops, or it finds what a later push has stored, and then slot b holds that push's task.
//   - If top == b, it is the last task. The owner changes top as a thief does, so fact 1
//     decides.
//   - If top > b, a thief has taken it, and top is b+1. pop restores bottom.
//
// Without the barrier in pop, the owner's load of top could come before its store of bottom is
// visible: then both take the task. TestInterleavingsOfDequesBroken shows it.
// TestInterleavingsOfDeques tries all orders for an owner and up to two thieves.
//
// What a thief sees of bottom may be old, since a store that only releases becomes visible
// later. Then the thief finds fewer tasks than there are. It loses time, no task: the owner
// runs these itself, and other workers look again (see worker.go).
//
// takeHalf takes half of the tasks one after the other. One compare-and-swap of top for all of
// them would be wrong: pop may have taken a task of that half while top stood still.

const spillSize = dequeSize / 2

// cacheLine separates words that different goroutines write. It is two cache lines of 64
// bytes, since processors fetch them in pairs.
const cacheLine = 128

// deque is a bounded double-ended queue of tasks, as words that are not 0. Its owner pushes
// tasks and pops the newest. Any goroutine, also the owner, takes the oldest at any time.
type deque struct {
	// top is the index of the oldest task. Any goroutine adds 1 by compare-and-swap, and
	// then has the task. All read it. One compare-and-swap wins for each value.
	top word
	_   [cacheLine - unsafe.Sizeof(word{})]byte

	// bottom is the index behind the newest task. The owner stores it in push, which
	// releases the slot, and swaps it in pop, which is the barrier of fact 3. All read it.
	bottom word

	// slots are stored by the owner, at indices from which top has moved on. Thieves load
	// them before they change top, and drop what they have loaded if they cannot.
	slots [dequeSize]word
	_     [cacheLine - unsafe.Sizeof(word{})]byte
}

// push puts a task in. It returns false if the deque is full. Only the owner calls it.
func (d *deque) push(t uintptr) bool {
	b := d.bottom.v
	if b-d.top.load() >= dequeSize {
		return false
	}
	d.slots[b%dequeSize].store(t)
	delay()
	d.bottom.store(b + 1)
	return true
}

// pop takes the newest task. It returns 0 if there is none. Only the owner calls it.
func (d *deque) pop() uintptr {
	b := d.bottom.v
	if b == d.top.load() {
		return 0 // only the owner could put a task in
	}
	b--
	d.bottom.swap(b) // a barrier: a thief that loads top after the load below sees b
	delay()
	top := d.top.load()
	if int(b-top) > 0 {
		return d.slots[b%dequeSize].v
	}
	// It is the last task, or a thief has it already.
	mine := b == top && d.top.cas(top, top+1)
	delay()
	d.bottom.store(b + 1)
	if !mine {
		return 0
	}
	return d.slots[b%dequeSize].v
}

// spill moves the oldest tasks to q, n at most, in their order. Only the owner calls it.
func (d *deque) spill(q *injectionQueue, n int) {
	var tasks [dequeSize]uintptr
	i := 0
	for ; i < n; i++ {
		if tasks[i] = d.take(); tasks[i] == 0 {
			break
		}
	}
	q.add(tasks[:i])
}

// spillNewest moves the newer half of a full deque to q, in their order. Only the owner calls it.
func (d *deque) spillNewest(q *injectionQueue) {
	var tasks [spillSize]uintptr
	i := spillSize
	for i > 0 {
		t := d.pop()
		if t == 0 {
			break
		}
		i--
		tasks[i] = t
	}
	q.add(tasks[i:])
}

// take takes the oldest task. It returns 0 if it sees none. Any goroutine calls it.
func (d *deque) take() uintptr {
	for {
		top := d.top.load()
		delay()
		b := d.bottom.load()
		if int(b-top) <= 0 {
			return 0
		}
		// The owner does not overwrite this slot before top has moved on.
		t := d.slots[top%dequeSize].load()
		delay()
		if d.top.cas(top, top+1) {
			return t
		}
	}
}

// len returns the number of tasks. If others use the deque meanwhile, it is the number of a
// moment ago, from 0 to dequeSize. Any goroutine calls it.
func (d *deque) len() int {
	top := d.top.load()
	return min(max(0, int(d.bottom.load()-top)), dequeSize)
}

// takeHalf takes the older half of the tasks, rounded up. It returns the oldest, and calls
// keep with each of the others, oldest first. It returns 0 if it sees no task. Any
// goroutine calls it.
func (d *deque) takeHalf(keep func(uintptr)) uintptr {
	n := (d.len() + 1) / 2
	if n == 0 {
		return 0
	}
	first := d.take()
	for ; n > 1 && first != 0; n-- {
		t := d.take()
		if t == 0 {
			break
		}
		keep(t)
	}
	return first
}
