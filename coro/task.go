package coro

// Task is a task that is ready to run: what an executor queues. It is the
// executor's from Post until the one call of [Worker.Run] or [Worker.Cancel]
// that it must make for it.
type Task struct{ h *header }

// Queue is a first-in, first-out queue of tasks, linked through their frames: it
// allocates nothing, however long it grows. The zero Queue is empty. It belongs
// to one goroutine at a time.
type Queue struct {
	head, tail *header
	n          int
}

// Len returns the number of tasks in the queue.
func (q *Queue) Len() int { return q.n }

// Push adds a task at the end.
func (q *Queue) Push(t Task) {
	t.h.worker = 0
	if q.tail == nil {
		q.head = t.h
	} else {
		q.tail.setNextTask(t.h)
	}
	q.tail = t.h
	q.n++
}

// Pop removes the task at the front; ok is false if there is none.
func (q *Queue) Pop() (t Task, ok bool) {
	h := q.head
	if h == nil {
		return Task{}, false
	}
	q.head = h.nextTask()
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	return Task{h}, true
}

// Prepend moves all tasks of other to the front, in their order.
func (q *Queue) Prepend(other *Queue) {
	if other.head == nil {
		return
	}
	if q.head == nil {
		q.tail = other.tail
	} else {
		other.tail.setNextTask(q.head)
	}
	q.head = other.head
	q.n += other.n
	*other = Queue{}
}

// A queued task has no worker; the word links it to the next in the queue.

func (h *header) nextTask() *header {
	next := link[header](h.worker)
	return next.get()
}

func (h *header) setNextTask(next *header) {
	var l link[header]
	l.set(next)
	h.worker = link[Worker](l)
}
