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

// waitable is what tasks wait for. The runtimes of the waiting tasks keep it, for the closer. Any
// goroutine may call its methods, without the waitable's lock, unless it is said otherwise.
type waitable interface {
	// withdraw takes all waiting tasks of rt, which is being closed, out of their queues, and
	// adds them to woken. They have got nothing.
	withdraw(rt *execRuntime, woken *wakeList)

	// cancel takes h out of its queue, and adds it to woken. It has got nothing. The caller holds the
	// lock of the waitable, which cancel releases.
	cancel(h *header, woken *wakeList)

	// forget reports whether no task waits. If so, the waitable no longer counts as
	// entered by rt. The caller holds the lock.
	forget(rt *execRuntime) bool

	// visit shows all waiting tasks to v, and reports whether v wants to see more.
	visit(v *visitor) bool
}

// lock is what every waitable has besides its queues: the mutex that guards all of the
// waitable, and the runtime that the waitable was entered by last.
type lock struct {
	mu interleave.Mutex

	// entered is a runtime whose waitables have this one; nil: none is known. So a waitable in
	// steady use needs no look into a set that many tasks share. Guarded by mu.
	entered *execRuntime

	// of is the waitable that the lock is part of. It is written once, with mu held, before the lock
	// is entered into a waitables and before a task waits there.
	of waitable
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
// l is. Only if it returns parked may h be queued, and must be: h may be in a list of its scope then.
//
// It first enters the waitable, then loads the flags: see runtime.go and scope_wait.go, whose
// arguments depend on that order.
func (l *lock) admit(on waitable, h *header) parking {
	if h.env&inScope == 0 {
		if rt := h.env.get().runtime; l.entered == rt && !rt.closed.Load() {
			return parked
		}
	}
	return l.admitIn(h.env.scope(), on, h)
}

// admitIn is admit for the task as if it were in the scope s. A task that waits although its
// scope has been cancelled is in none.
func (l *lock) admitIn(s *scope, on waitable, h *header) parking {
	if s != nil && s.state.Load()&scopeArmed == 0 {
		return parkUnarmed
	}
	if p := l.enter(on, h.env.get().runtime); p != parked || s == nil {
		return p
	}
	return h.enlist(s, uintptr(unsafe.Pointer(l)), 0)
}

// enter enters the waitable on, whose lock l is, for tasks of rt. The caller holds mu.
func (l *lock) enter(on waitable, rt *execRuntime) parking {
	if l.entered != rt {
		if l.of == nil {
			l.of = on
		}
		rt.waitables.add(rt, l)
		l.entered = rt
	}
	if rt.closed.Load() {
		l.entered = nil // see forgetAll
		return parkExecutorClosed
	}
	return parked
}

// forget is waitable.forget for a caller that holds mu and knows whether tasks wait.
func (l *lock) forget(rt *execRuntime, waiting bool) bool {
	if !waiting && l.entered == rt {
		l.entered = nil
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
	p := w.lock.admit(on, h)
	if p == parked {
		w.queue.push(h, v)
	}
	return p
}

// waitIn is wait for the task as if it were in the scope s.
func (w *waiters[S, V]) waitIn(s *scope, on waitable, h *header, v V) parking {
	p := w.lock.admitIn(s, on, h)
	if p == parked {
		w.queue.push(h, v)
	}
	return p
}

func (w *waiters[S, V]) withdraw(rt *execRuntime, woken *wakeList) {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	w.queue.withdraw(rt, woken)
}

func (w *waiters[S, V]) cancel(h *header, woken *wakeList) {
	defer w.lock.mu.Unlock()
	w.queue.unlink(h)
	wake(h, 0, woken)
}

func (w *waiters[S, V]) forget(rt *execRuntime) bool {
	return w.lock.forget(rt, !w.queue.idle())
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

func (w *oneWaiter) withdraw(rt *execRuntime, woken *wakeList) {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	if w.task != nil && w.task.env.get().runtime == rt {
		wake(w.task, 0, woken)
		w.task = nil
	}
}

func (w *oneWaiter) cancel(h *header, woken *wakeList) {
	defer w.lock.mu.Unlock()
	w.task = nil
	wake(h, 0, woken)
}

func (w *oneWaiter) forget(rt *execRuntime) bool {
	return w.lock.forget(rt, w.task != nil)
}

// visitAs is visit for an operation with the given name. Without one the task is a child of
// this package's own, and its kind has the name.
func (w *oneWaiter) visitAs(name string, v *visitor) bool {
	w.lock.mu.Lock()
	defer w.lock.mu.Unlock()
	h := w.task
	if h == nil {
		return true
	}
	if name == "" {
		name = strings.TrimPrefix(h.kind.get().name, "coro.")
	}
	v.see(h, name)
	return true
}

// fifo is a queue of waiting tasks, linked through their frames or, if they have waitNodes,
// through those, and of the argument that each has for its operation. The lock of its waitable
// guards it.
type fifo[V any] struct {
	head, tail *header
	n          uint32                // how many there are
	marks      marks                 // of the channel whose receivers these are; here, since there is room
	arguments  *ring[V]              // of tasks without a waitNode, in the order of the queue; nil until the first one comes
	numbered   *numberedArguments[V] // of proxies and of tasks with a waitNode; nil until the first one comes
	cursors    cursors[header]       // of visitors that are looking through the queue
}

func (q *fifo[V]) empty() bool { return q.head == nil }

// idle reports whether the queue is empty and no Select refers to it that is still to be
// settled.
func (q *fifo[V]) idle() bool { return q.empty() && (q.numbered == nil || q.numbered.visits == 0) }

// numberedArguments has the arguments of proxies and of tasks with a waitNode, which leave a
// queue in any order, or says that they lie in those: an argument that is an address, or nothing,
// does. In the place of each other argument is its number. The waitable's lock guards it.
type numberedArguments[V any] struct {
	casePlace                   // of the proxies
	apart     *argumentTable[V] // nil: the arguments lie in the proxies and nodes; not changed
}

// argumentTable has the arguments that have numbers.
type argumentTable[V any] struct {
	values []V     // zero where not in use, since V may hold Go pointers
	free   []int32 // the numbers that are not in use
}

// argument returns where the argument of a proxy or of a task with a waitNode is, or its number in
// values.
func (h *header) argument() *uintptr {
	if h.layout&flagProxy != 0 {
		return (*uintptr)(&h.proxy().parent)
	}
	return &h.node().word
}

// setQueued notes in h, if it is a proxy, whether it is in a queue.
func (h *header) setQueued(queued bool) {
	if h.layout&flagProxy == 0 {
		return
	}
	if queued {
		h.proxy().number = 0
	} else {
		h.proxy().number = -1
	}
}

// note notes the argument of h.
func (q *fifo[V]) note(h *header, v V) {
	a := q.numbered
	if a == nil {
		a = new(numberedArguments[V])
		if _, isWord := any(v).(uintptr); !isWord && unsafe.Sizeof(v) != 0 {
			a.apart = new(argumentTable[V])
		}
		q.numbered = a
	}
	word := h.argument()
	if t := a.apart; t == nil {
		*(*V)(unsafe.Pointer(word)) = v
	} else if n := len(t.free); n > 0 {
		*word = uintptr(t.free[n-1])
		t.free = t.free[:n-1]
		t.values[*word] = v
	} else {
		*word = uintptr(len(t.values))
		t.values = append(t.values, v)
	}
	h.setQueued(true)
}

// get returns the argument of h.
func (a *numberedArguments[V]) get(h *header) V {
	word := h.argument()
	if a.apart == nil {
		return *(*V)(unsafe.Pointer(word))
	}
	return a.apart.values[*word]
}

// take returns the argument of h, which leaves the queue.
func (a *numberedArguments[V]) take(h *header) V {
	v := a.get(h)
	if t := a.apart; t != nil {
		var zero V
		number := *h.argument()
		t.values[number] = zero
		t.free = append(t.free, int32(number))
	}
	h.setQueued(false)
	return v
}

// push adds a task or a proxy.
func (q *fifo[V]) push(h *header, v V) {
	if h.layout&(flagProxy|flagListed) != 0 || q.numbered != nil {
		q.pushAny(h, v)
		return
	}
	if unsafe.Sizeof(v) != 0 {
		q.pushArgument(v)
	}
	h.setNextInQueue(nil)
	if q.tail == nil {
		q.head = h
	} else {
		q.tail.setNextInQueue(h)
	}
	q.tail = h
	q.n++
}

// pushAny is push for a queue that may have others than tasks without a waitNode.
func (q *fifo[V]) pushAny(h *header, v V) {
	if h.layout&(flagProxy|flagListed) != 0 {
		q.note(h, v)
		h.setPrevInWait(q.tail)
	} else if unsafe.Sizeof(v) != 0 {
		q.pushArgument(v)
	}
	h.setNextInWait(nil)
	if q.tail == nil {
		q.head = h
	} else {
		q.tail.setNextInWait(h)
	}
	q.tail = h
	q.n++
}

func (q *fifo[V]) pushArgument(v V) {
	if q.arguments == nil {
		q.arguments = new(ring[V])
	}
	q.arguments.push(v)
}

// pop must not be called on an empty queue.
func (q *fifo[V]) pop() (*header, V) {
	h, v := q.take()
	if q.cursors.first != nil {
		q.cursors.moved(h, q.head)
	}
	return h, v
}

// take is pop, except that the caller updates the cursors.
func (q *fifo[V]) take() (*header, V) {
	if q.numbered != nil {
		return q.takeAny()
	}
	h := q.head
	if q.head = h.nextInQueue(); q.head == nil {
		q.tail = nil
	}
	q.n--
	var none V
	if unsafe.Sizeof(none) == 0 {
		return h, none
	}
	return h, q.arguments.pop()
}

// takeAny is take for a queue that may have others than tasks without a waitNode.
func (q *fifo[V]) takeAny() (*header, V) {
	h := q.head
	q.head = h.nextInWait()
	if q.head == nil {
		q.tail = nil
	} else {
		q.head.setPrevInWait(nil)
	}
	q.n--
	if h.layout&(flagProxy|flagListed) != 0 {
		return h, q.numbered.take(h)
	}
	var none V
	if unsafe.Sizeof(none) == 0 {
		return h, none
	}
	return h, q.arguments.pop()
}

// front returns the argument of the task that pop would take.
func (q *fifo[V]) front() V {
	if h := q.head; h.layout&(flagProxy|flagListed) != 0 {
		return q.numbered.get(h)
	}
	return q.arguments.front()
}

// unlink takes a proxy, or a task with a waitNode, out of the queue.
func (q *fifo[V]) unlink(h *header) {
	prev, next := h.prevInWait(), h.nextInWait()
	q.cursors.moved(h, next)
	if prev == nil {
		q.head = next
	} else {
		prev.setNextInWait(next)
	}
	if next == nil {
		q.tail = prev
	} else {
		next.setPrevInWait(prev)
	}
	q.n--
	q.numbered.take(h)
}

// withdraw takes out the tasks of rt, and wakes them without outcome.
func (q *fifo[V]) withdraw(rt *execRuntime, woken *wakeList) {
	for left := q.n; left > 0; left-- { // each is taken once, so the others keep their order
		h, v := q.take()
		if h.env.get().runtime != rt {
			q.push(h, v)
			continue
		}
		behind := q.head
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

// ---- links of a queue

// nextInWait returns what comes after h in its fifo, or nil.
func (h *header) nextInWait() *header {
	if h.layout&flagListed != 0 {
		return h.nextOfListed()
	}
	return h.nextInQueue()
}

func (h *header) setNextInWait(next *header) {
	if h.layout&flagListed != 0 {
		h.setNextOfListed(next)
		return
	}
	h.setNextInQueue(next)
}

// prevInWait returns what comes before h in its fifo, or nil. h is a proxy or has a waitNode.
func (h *header) prevInWait() *header {
	if h.layout&flagProxy != 0 {
		return h.proxy().prev.get()
	}
	return h.node().prevTask()
}

// setPrevInWait notes in h, if it has room for that, what comes before it.
func (h *header) setPrevInWait(prev *header) {
	switch {
	case h.layout&flagProxy != 0:
		h.proxy().prev.set(prev)
	case h.layout&flagListed != 0:
		h.node().setPrevTask(prev)
	}
}
