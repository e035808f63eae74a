package executor

import "unsafe"

const spillSize = dequeSize / 2

// cacheLine is what separates words that different goroutines write: two lines, since
// processors fetch them in pairs.
const cacheLine = 128

// deque is a bounded double-ended queue of tasks, as words that are not 0. Its owner
// puts tasks in and takes the newest out; anyone, the owner too, takes the oldest,
// whatever the owner is doing. It is that of Chase and Lev (2005), without growth.
//
// The tasks are slots[top:bottom], with indices modulo dequeSize. top never goes
// down. docs/executors-pool.md has the argument why no task is lost or taken twice.
type deque struct {
	// top is changed by compare-and-swap, by anyone: who adds 1 has the task.
	top word
	_   [cacheLine - unsafe.Sizeof(word{})]byte

	// bottom and slots are the owner's.
	bottom word
	slots  [dequeSize]word
	_      [cacheLine - unsafe.Sizeof(word{})]byte
}

// push puts a task in, or returns false if the deque is full. The owner calls it.
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

// pop takes the newest task, or returns 0. The owner calls it.
func (d *deque) pop() uintptr {
	b := d.bottom.v
	if b == d.top.load() {
		return 0 // and only the owner could change that
	}
	b--
	d.bottom.swap(b) // a barrier: those who look at bottom after we look at top see it
	delay()
	top := d.top.load()
	if int(b-top) > 0 {
		return d.slots[b%dequeSize].v
	}
	// It is the last one, if it is still there; then whoever moves top has it.
	mine := b == top && d.top.cas(top, top+1)
	delay()
	d.bottom.store(b + 1)
	if !mine {
		return 0
	}
	return d.slots[b%dequeSize].v
}

// spill moves the older half of a full deque to q. The owner calls it.
func (d *deque) spill(q *injectionQueue) {
	var tasks [spillSize]uintptr
	n := 0
	for ; n < spillSize; n++ {
		if tasks[n] = d.take(); tasks[n] == 0 {
			break
		}
	}
	q.add(tasks[:n])
}

// take takes the oldest task, or returns 0. Anyone calls it.
func (d *deque) take() uintptr {
	for {
		top := d.top.load()
		delay()
		b := d.bottom.load()
		if int(b-top) <= 0 {
			return 0
		}
		// The owner does not write to this slot before top has moved.
		t := d.slots[top%dequeSize].load()
		delay()
		if d.top.cas(top, top+1) {
			return t
		}
	}
}

// len returns how many tasks there are, or were a moment ago. Anyone calls it.
func (d *deque) len() int {
	top := d.top.load()
	return min(max(0, int(d.bottom.load()-top)), dequeSize)
}

// takeHalf takes the older half of the tasks, rounded up, and calls keep for all but
// the first, oldest first. It returns the first, or 0. Anyone calls it.
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
