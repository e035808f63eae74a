package executor

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// injectionQueue is the queue of a pool that all share: what is posted from outside, and
// what does not fit into a worker's own queues. First in, first out. There is one for that
// which was to wait its turn, and one for what was fresh: when there is much of that, to run
// it before newer tasks would make a tree of tasks broader and broader.
//
// It is an array rather than a list through the frames: who takes tasks would have to
// load each frame, from the cache of another processor, while others wait.
type injectionQueue struct {
	// n is the number of tasks. It is written with mu held, and read by anyone; the
	// unlocking is the barrier after the store.
	n word
	_ [cacheLine - unsafe.Sizeof(word{})]byte

	mu     interleave.Mutex // guards what follows
	closed bool             // nothing is taken from outside
	tasks  []uintptr        // a ring; its length is a power of two. It never shrinks.
	first  uintptr
	_      [cacheLine]byte
}

const minInjectionRing = 64

// post puts a task in from outside, or returns false if the queue is closed.
func (q *injectionQueue) post(t uintptr) bool {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return false
	}
	q.push(t)
	q.mu.Unlock()
	return true
}

// add puts tasks in, also if the queue is closed.
func (q *injectionQueue) add(tasks []uintptr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range tasks {
		q.push(t)
	}
}

// push puts a task in. The caller holds mu.
func (q *injectionQueue) push(t uintptr) {
	n := q.n.v
	if n == uintptr(len(q.tasks)) {
		q.grow()
	}
	q.tasks[(q.first+n)&uintptr(len(q.tasks)-1)] = t
	q.n.store(n + 1)
}

func (q *injectionQueue) grow() {
	tasks := make([]uintptr, max(minInjectionRing, 2*len(q.tasks)))
	k := copy(tasks, q.tasks[q.first:])
	copy(tasks[k:], q.tasks[:q.first])
	q.tasks, q.first = tasks, 0
}

// len returns how many tasks there are, or were a moment ago.
func (q *injectionQueue) len() int { return int(q.n.load()) }

// takeShare takes one worker's share of the tasks, as many as there are for each of
// the workers and one more, to the end of a worker's queue, but no more than there is
// room for. It returns false if there is none. The queue's owner calls it.
func (q *injectionQueue) takeShare(into *deque, workers int) bool {
	room := dequeSize - into.len()
	if room == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.n.v
	share := min(n, n/uintptr(workers)+1, uintptr(room), dequeSize/2)
	mask := uintptr(len(q.tasks) - 1)
	for i := range share {
		into.push(q.tasks[(q.first+i)&mask])
	}
	q.first = (q.first + share) & mask
	q.n.store(n - share)
	return true
}

// close makes post refuse.
func (q *injectionQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// take takes the oldest task, or returns 0.
func (q *injectionQueue) take() uintptr {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.n.v
	if n == 0 {
		return 0
	}
	t := q.tasks[q.first]
	q.first = (q.first + 1) & uintptr(len(q.tasks)-1)
	q.n.store(n - 1)
	return t
}
