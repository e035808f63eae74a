package coro

// Task is a task that is ready to run: what an executor queues. It is the
// executor's from Post until the one call of [Worker.Run] or [Worker.Cancel]
// that it must make for it.
type Runnable struct{ h *header }

// Queue is a first-in, first-out queue of tasks, linked through their frames: it
// allocates nothing, however long it grows. The zero Queue is empty. It belongs
// to one goroutine at a time.
type RunQueue struct {
	head, tail *header
	n          int
}

// Len returns the number of tasks in the queue.
func (q *RunQueue) Len() int { return q.n }

// Push adds a task at the end.
func (q *RunQueue) Push(t Runnable) {
	t.h.worker = 0
	if q.tail == nil {
		q.head = t.h
	} else {
		q.tail.setNextInQueue(t.h)
	}
	q.tail = t.h
	q.n++
}

// Pop removes the task at the front; ok is false if there is none.
func (q *RunQueue) Pop() (t Runnable, ok bool) {
	h := q.head
	if h == nil {
		return Runnable{}, false
	}
	q.head = h.nextInQueue()
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	return Runnable{h}, true
}

// Prepend moves all tasks of other to the front, in their order.
func (q *RunQueue) Prepend(other *RunQueue) {
	if other.head == nil {
		return
	}
	if q.head == nil {
		q.tail = other.tail
	} else {
		other.tail.setNextInQueue(q.head)
	}
	q.head = other.head
	q.n += other.n
	*other = RunQueue{}
}

// A queued task has no worker; the word links it to the next in the queue.

func (h *header) nextInQueue() *header {
	next := link[header](h.worker)
	return next.get()
}

func (h *header) setNextInQueue(next *header) {
	var l link[header]
	l.set(next)
	h.worker = link[Worker](l)
}
