package executor

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// An injection queue has a lock. Only n, the number of tasks, is also read without it, so
// that a worker sees with one load that there is nothing to take. This is why such a load
// overlooks no task:
//
// A poster adds a task, unlocks mu, and then loads idleWorkers.state (notify). A worker that
// is about to become idle changes idleWorkers.state, and then loads n (hasWork, in park).
// Unlock and the change are barriers. If the worker does not see the task, its load of n comes
// before the poster's Unlock; then its change of state comes before the poster's load of it,
// and the poster sees an idle worker and wakes it. idle_workers.go has the argument for
// several workers.
//
// TestInterleavingsOfInjections and TestInterleavingsOfPools try all orders.

// injectionQueue is a queue of tasks that all workers of a pool share, first in, first out.
// Any goroutine may use it. A pool has three (see worker.go): for tasks that are posted from
// outside or do not fit into a worker's run queue, for spawned tasks that do not fit into the
// deque of a worker, and for urgent tasks.
//
// It is an array, not a list through the frames: a goroutine that takes several tasks from a
// list would load each frame, from the cache of another processor, while others wait for
// the lock.
type injectionQueue struct {
	// n is the number of tasks. The holder of mu stores it. Any goroutine loads it, as a
	// hint, see above. Unlocking mu is the barrier after the store.
	n word
	_ [cacheLine - unsafe.Sizeof(word{})]byte

	mu     interleave.Mutex // guards what follows
	closed bool             // post refuses tasks
	tasks  []uintptr        // a ring. Its length is 0 or a power of two. It never shrinks.
	first  uintptr          // the index of the oldest task
	_      [cacheLine]byte
}

const minInjectionRing = 64

// post adds a task from outside. It returns false if the queue is closed.
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

// add adds tasks of the pool itself, also if the queue is closed.
func (q *injectionQueue) add(tasks []uintptr) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range tasks {
		q.push(t)
	}
}

// push adds a task. The caller holds mu.
func (q *injectionQueue) push(t uintptr) {
	n := q.n.v
	if n == uintptr(len(q.tasks)) {
		q.grow()
	}
	q.tasks[(q.first+n)&uintptr(len(q.tasks)-1)] = t
	q.n.store(n + 1)
}

// grow doubles the ring, which is full. The caller holds mu.
func (q *injectionQueue) grow() {
	tasks := make([]uintptr, max(minInjectionRing, 2*len(q.tasks)))
	k := copy(tasks, q.tasks[q.first:])
	copy(tasks[k:], q.tasks[:q.first])
	q.tasks, q.first = tasks, 0
}

// len returns the number of tasks. If others use the queue meanwhile, it is the number of a
// moment ago.
func (q *injectionQueue) len() int { return int(q.n.load()) }

// share returns how many of the tasks are one worker's share: their number divided by that of the
// workers, and one more. It is 0 if there are none. If others use the queue meanwhile, it is the
// share of a moment ago.
func (q *injectionQueue) share(workers int) int {
	n := q.len()
	if n == 0 {
		return 0
	}
	return min(n, n/workers+1)
}

// takeShare moves one worker's share of the tasks, the oldest, to the end of its deque, but at
// most half of a deque, and no more than there is room for. Only the owner of the deque calls it.
func (q *injectionQueue) takeShare(into *deque, workers int) {
	room := dequeSize - into.len()
	q.mu.Lock()
	defer q.mu.Unlock()
	share := uintptr(min(q.share(workers), room, dequeSize/2))
	for i := range share {
		into.push(q.at(i))
	}
	q.first = (q.first + share) & uintptr(len(q.tasks)-1)
	q.n.store(q.n.v - share)
}

// takeNewest is takeShare for the newest tasks. They keep their order.
func (q *injectionQueue) takeNewest(into *deque, workers int) {
	room := dequeSize - into.len()
	q.mu.Lock()
	defer q.mu.Unlock()
	share := uintptr(min(q.share(workers), room, dequeSize/2))
	n := q.n.v
	for i := n - share; i < n; i++ {
		into.push(q.at(i))
	}
	q.n.store(n - share)
}

// at returns the i-th task, counted from the oldest. The caller holds mu.
func (q *injectionQueue) at(i uintptr) uintptr {
	return q.tasks[(q.first+i)&uintptr(len(q.tasks)-1)]
}

// close makes post refuse tasks from now on.
func (q *injectionQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

// take takes the oldest task. It returns 0 if there is none.
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
