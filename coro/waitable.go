package coro

import (
	"strings"
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// A waitable with one queue embeds waiters, and needs besides
//
//   - the type of its state,
//   - park, which under the lock tries the operation and, if it is not possible now,
//     returns what wait returns (see parker),
//   - the method that makes it possible, which under the lock pops tasks and calls wake for
//     each, and after that calls post (see wake.go),
//   - visit, which is visitAs with the name that operators see.
//
// For a [Select], it embeds plainCase too, and has waitable and try.

// waitable is what tasks wait for. The registries of the waiting tasks keep it, for the
// canceller and the closer. Any goroutine may call its methods, without the waitable's lock.
type waitable interface {
	// withdraw takes all waiting tasks that m chooses out of their queues, and adds them
	// to woken. They have got nothing.
	withdraw(m match, woken *wakeList)

	// forget reports whether no task waits. If so, the waitable no longer counts as
	// entered in r. It does not wait for the lock: it returns false if the lock is taken.
	forget(r *waitRegistry) bool

	// visit shows all waiting tasks to v, and reports whether v wants to see more.
	visit(v *visitor) bool
}

// match chooses the tasks of one environment or those of one executor.
type match struct {
	env     *Environment
	runtime *execRuntime
}

func (m match) has(h *header) bool {
	env := h.env.get()
	return env == m.env || env.runtime == m.runtime
}

// lock is what every waitable has besides its queues: the mutex that guards all of the
// waitable, and the registry that the waitable was entered in last.
type lock struct {
	mu interleave.Mutex

	// While registry has the generation noted here, the waitable is in its set. So a
	// waitable in steady use needs no look into a set that many tasks share. Guarded by mu.
	registry   *waitRegistry
	generation uint64
}

// order compares locks by address, which is the order in which a goroutine takes several.
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

// admit is called with mu held, before h is put into a queue of the waitable on, whose lock
// l is. Only if it returns parked may h be queued.
//
// It first enters the waitable, then loads the flags: see wait_registry.go, whose argument
// depends on that order.
func (l *lock) admit(on waitable, h *header) parking {
	return l.admitTo(h.env.get().registry, on, h)
}

// admitTo is admit with another registry than that of h's tree. A task that waits although
// its tree has been cancelled uses the executor's.
func (l *lock) admitTo(r *waitRegistry, on waitable, h *header) parking {
	if !r.armed.Load() {
		return parkUnarmed
	}
	if l.registry != r || l.generation != r.generation {
		r.add(on)
		l.registry, l.generation = r, r.generation
	}
	if h.env.get().runtime.closed.Load() {
		l.registry = nil // see forgetWaitables
		return parkExecutorClosed
	}
	if r.cancelled.Load() {
		return parkCancelled
	}
	return parked
}

// forget is waitable.forget for a caller that holds mu and knows whether tasks wait.
func (l *lock) forget(r *waitRegistry, waiting bool) bool {
	if !waiting && l.registry == r {
		l.registry = nil
	}
	return !waiting
}

// waiters is a waitable with one queue, but for its visit: the lock, the state that decides
// whether a task has to wait, and the waiting tasks, each with the argument of its operation.
// S is a struct of what the primitive reads and writes under the lock; it stands beside the lock
// to be on its cache line. The zero waiters is useful if the zero S is.
//
// It is embedded, in exported types by an alias: of an embedded type with type arguments, go doc
// shows that it is there.
type waiters[S, V any] struct {
	lock  lock
	state S       // guarded by lock
	queue fifo[V] // guarded by lock
}

// wait is the end of a park that cannot do its operation now: it queues h with v and returns
// parked, or it returns why h may not wait. on is the waitable that w is embedded in. The
// caller holds the lock.
func (w *waiters[S, V]) wait(on waitable, h *header, v V) parking {
	return w.waitIn(h.env.get().registry, on, h, v)
}

// waitIn is wait with another registry than that of h's tree.
func (w *waiters[S, V]) waitIn(r *waitRegistry, on waitable, h *header, v V) parking {
	p := w.lock.admitTo(r, on, h)
	if p == parked {
		w.queue.push(h, v)
	}
	return p
}

func (w *waiters[S, V]) withdraw(m match, woken *wakeList) {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	w.queue.withdraw(m, woken)
}

func (w *waiters[S, V]) forget(r *waitRegistry) bool {
	if !w.lock.mu.TryLock() {
		return false
	}
	defer w.lock.mu.Unlock()
	return w.lock.forget(r, !w.queue.idle())
}

// visitAs is visit for an operation with the given name.
func (w *waiters[S, V]) visitAs(name string, v *visitor) bool { return w.queue.visit(&w.lock, name, v) }

// push does what selectable.push says, for cases without an argument.
func (w *waiters[S, V]) push(p *proxy, c *Case) {
	var none V
	w.queue.enter(p, c.on, none)
}

// drop does what selectable.drop says.
func (w *waiters[S, V]) drop(p *proxy) {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	w.queue.drop(p)
}

// oneWaiter is a waitable for which one task waits at a time, but for its visit. It is
// embedded.
type oneWaiter struct {
	lock lock
	task *header // nil if no task waits; guarded by lock
}

// wait is the end of a park that cannot do its operation now, as waiters.wait is.
func (w *oneWaiter) wait(on waitable, h *header) parking {
	p := w.lock.admit(on, h)
	if p == parked {
		w.task = h
	}
	return p
}

func (w *oneWaiter) withdraw(m match, woken *wakeList) {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	if w.task != nil && m.has(w.task) {
		wake(w.task, 0, woken)
		w.task = nil
	}
}

func (w *oneWaiter) forget(r *waitRegistry) bool {
	if !w.lock.mu.TryLock() {
		return false
	}
	defer w.lock.mu.Unlock()
	return w.lock.forget(r, w.task != nil)
}

// visitAs is visit for an operation with the given name. Without one the task is a child of
// this package's own, and its kind has the name. The waitable may be in several registries;
// the task is seen in the one that the waitable was entered in last, and so once.
func (w *oneWaiter) visitAs(name string, v *visitor) bool {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	h := w.task
	if h == nil || w.lock.registry != v.registry {
		return true
	}
	if name == "" {
		name = strings.TrimPrefix(h.kind.get().name, "coro.")
	}
	v.see(h, name)
	return true
}

// fifo is a queue of waiting tasks, linked through their frames, and of the argument that
// each has for its operation. The lock of its waitable guards it.
type fifo[V any] struct {
	frames    RunQueue
	arguments ring[V]            // of tasks
	proxied   *proxyArguments[V] // of proxies; nil until the first one comes
	cursors   cursors[header]    // of visitors that are looking through the queue
}

func (q *fifo[V]) empty() bool { return q.frames.head == nil }

// idle reports whether the queue is empty and no Select refers to it that is still to be
// settled.
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

// take is pop, except that the caller updates the cursors.
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

// withdraw takes out the tasks that m chooses, and wakes them without outcome.
func (q *fifo[V]) withdraw(m match, woken *wakeList) {
	for left := q.frames.Len(); left > 0; left-- { // each is taken once, so the others keep their order
		h, v := q.take()
		if !m.has(h) {
			q.push(h, v)
			continue
		}
		behind := q.frames.head
		if left == 1 {
			behind = nil // the front is a task that was pushed back
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
