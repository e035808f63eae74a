package coro

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// waitable is what tasks wait for. It is kept in the registries of the tasks that
// wait, for those who cancel them.
type waitable interface {
	// withdraw wakes, by way of woken, all waiting tasks that m chooses.
	withdraw(m match, woken *wakeList)

	// forget reports whether no task waits. If so, r is not where this is
	// registered any more. It may also say no because it cannot tell.
	forget(r *waitRegistry) bool

	// visit shows v all waiting tasks, and returns whether v wants to see more. The
	// caller holds no lock.
	visit(v *visitor) bool
}

// match chooses tasks: those of one environment or those of one executor.
type match struct {
	env     *Environment
	runtime *execRuntime
}

func (m match) has(h *header) bool {
	env := h.env.get()
	return env == m.env || env.runtime == m.runtime
}

// lock is what every waitable has besides its queues: the mutex that guards all of
// it, and a memory of the registry that it was last entered in.
//
// While the registry has that generation, this waitable is in it. That saves a
// look into a registry that many tasks share.
type lock struct {
	mu         interleave.Mutex
	registry   *waitRegistry
	generation uint64
}

// order compares locks in the order in which those who need several take them.
func (l *lock) order(other *lock) int {
	a, b := uintptr(unsafe.Pointer(l)), uintptr(unsafe.Pointer(other))
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// admit is called, with mu held, before h is put into a queue of p, whose lock
// this is. Unless it returns parked, h must not be.
//
// Nobody who is cancelled is missed: see waitRegistry.
func (l *lock) admit(p waitable, h *header) parking { return l.admitTo(h.env.get().registry, p, h) }

// admitTo is admit with a registry other than that of h's tree: with the executor's, for
// a task that waits although its tree has been cancelled.
func (l *lock) admitTo(r *waitRegistry, p waitable, h *header) parking {
	if !r.armed.Load() {
		return parkUnarmed
	}
	if l.registry != r || l.generation != r.generation {
		r.add(p)
		l.registry, l.generation = r, r.generation
	}
	if h.env.get().runtime.closed.Load() {
		l.registry = nil // see disband
		return parkExecutorClosed
	}
	if r.cancelled.Load() {
		return parkCancelled
	}
	return parked
}

// forget does what waitable's method says, when it is known whether tasks wait.
// The caller holds mu.
func (l *lock) forget(r *waitRegistry, waiting bool) bool {
	if !waiting && l.registry == r {
		l.registry = nil
	}
	return !waiting
}

// fifo is a queue of waiting tasks, linked through their frames, and of what each
// has as an argument of its operation. It is guarded by the lock of its waitable.
type fifo[V any] struct {
	frames    RunQueue
	arguments ring[V]            // of tasks
	proxied   *proxyArguments[V] // and of proxies; nil if there never was one
	cursors   cursors[header]    // of those who look through the queue
}

func (q *fifo[V]) empty() bool { return q.frames.head == nil }

// idle reports whether no task waits in the queue, or did so in a Select that has not
// come by since.
func (q *fifo[V]) idle() bool { return q.empty() && (q.proxied == nil || q.proxied.visits == 0) }

func (q *fifo[V]) push(h *header, v V) {
	if h.layout&flagProxy != 0 {
		q.pushProxy(h.proxy(), v)
		return
	}
	q.frames.Push(Runnable{h})
	q.arguments.push(v)
}

// pop must not be called on an empty queue.
func (q *fifo[V]) pop() (*header, V) {
	h, v := q.take()
	if q.cursors.first != nil {
		q.cursors.moved(h, q.frames.head)
	}
	return h, v
}

// take is pop for who tells the cursors.
func (q *fifo[V]) take() (*header, V) {
	t, _ := q.frames.Pop()
	if q.proxied != nil {
		q.popped()
		if t.h.layout&flagProxy != 0 {
			return t.h, q.proxied.take(t.h.proxy())
		}
	}
	return t.h, q.arguments.pop()
}

// withdraw takes out the tasks that m chooses and wakes them with nothing.
func (q *fifo[V]) withdraw(m match, woken *wakeList) {
	for left := q.frames.Len(); left > 0; left-- { // all pass by once, and so keep their order
		h, v := q.take()
		if !m.has(h) {
			q.push(h, v)
			continue
		}
		behind := q.frames.head
		if left == 1 {
			behind = nil // the head has passed by
		}
		q.cursors.moved(h, behind)
		wake(h, 0, woken)
	}
}

// wakeAll takes out all tasks and wakes them with outcome.
func (q *fifo[V]) wakeAll(outcome uint32, woken *wakeList) {
	for !q.empty() {
		h, _ := q.pop()
		wake(h, outcome, woken)
	}
}
