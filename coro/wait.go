package coro

import (
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/interleave"
)

// Waiter is a task that can wait: a *[Frame] of whatever state and result. Methods
// that wait take the frame of the step function that calls them.
type AnyFrame interface{ anyFrame() *header }

func (h *header) anyFrame() *header { return h }

// A wait begins when the step function has returned, in wait below, and not in
// the method that made the Step: before that the worker still uses the frame, and
// who wakes the task could have it run elsewhere already. So the method only says
// what to wait for, and all of the operation happens in park, under the lock of
// what is waited for: either it succeeds there and the task goes on at once, or
// the frame is in a queue when the lock is released, and the worker never touches
// it again.

// parker is an operation that may have to wait.
type parker interface {
	// park does the operation for the task of h, if that is possible now, or puts
	// h where it is found when it is.
	park(w *Worker, h *header) parking
}

// parking is what became of a task that was about to wait.
type parking uint8

const (
	parked             parking = iota // the frame is not the worker's any more
	parkDone                          // there is nothing to wait for; the task goes on
	parkChanClosed                    // the channel is closed; the task goes on and learns it
	parkCancelled                     // the context has ended; the task goes on and learns it
	parkUnarmed                       // the registry must be armed first
	parkExecutorClosed                // no task of this executor waits any more
	parkExhausted                     // there is no memory to wait with; the task goes on and learns it
)

// waitFor returns the Step that makes the task of h do p's operation and go on at
// the resume point at. The argument of p is in the worker.
func (h *header) waitFor(at int, p parker) Step {
	w := h.runningWorker()
	h.resumeAt(at)
	w.parkOn = p
	return Step{next: h, op: opWait}
}

// runningWorker returns the worker that runs h's step function.
func (h *header) runningWorker() *Worker {
	// A frame that a checked arena has poisoned is known by its flags, and its
	// worker is no address to load from.
	if h.layout&flagMask&^knownFlags == 0 {
		if w := h.worker.get(); w != nil && w.current == uintptr(unsafe.Pointer(h)) {
			return w
		}
	}
	panic("coro: a wait with a frame whose task is not running, or after an Await in the same step: use a frame only in its own step function, and return a Step at once")
}

// wait does what an opWait of h asks for, and returns the frame to run next.
func (w *Worker) wait(h *header) *header {
	p := w.parkOn
	if p == nil {
		panic(w.foreignStep(Step{next: h, op: opWait}))
	}
	w.parkOn = nil
	for {
		switch p.park(w, h) {
		case parked:
			w.current = 0
			return nil
		case parkDone:
			if w.preempt.Load() != 0 && h.at&atFailed == 0 {
				return w.giveWay(h)
			}
			return h
		case parkChanClosed:
			w.err = ErrChanClosed
			h.at |= atFailed
			return h
		case parkCancelled:
			w.err = h.env.get().cause()
			h.at |= atFailed
			return h
		case parkExhausted:
			w.err = arena.ErrExhausted
			h.at |= atFailed
			return h
		case parkUnarmed:
			h.env.get().registry.arm()
		case parkExecutorClosed:
			w.current = 0
			w.Cancel(Runnable{h}, h.env.get().runtime.err)
			return nil
		}
	}
}

// learn makes Err say in h's next step what the task was woken with or, if it was not by
// what it waited for, why the tree should end, if it should.
func (w *Worker) takeOutcome(h *header) {
	if h.layout&flagWoken == 0 {
		if h.env.get().mayEnd() {
			w.takeCause(h)
		}
		return
	}
	if h.layout&flagChanClosed != 0 {
		w.err = ErrChanClosed
		h.at |= atFailed
	}
	h.layout &^= flagWoken | flagChanClosed
}

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

// wake adds the task of h, which has just been taken from a queue, to woken, or
// returns false: then the task must be given nothing. Either it is not going to run,
// since its executor is being closed, or it is in a Select and has got something else.
// outcome is flagWoken, if what the task waited for has happened, flagChanClosed besides,
// if that is that the channel was closed, or 0, if the context has ended.
//
// The caller holds the lock of what the task waited for, and calls post once it
// has released it. In between, the task has passed the executor's gate: whoever
// closes the executor waits for it to be posted. Who finds the gate closed leaves
// the task to the closer, who comes by every lock where such a task is found
// after closing the gate, and looks for what was left to it after that.
func wake(h *header, outcome uint32, woken *wakeList) bool {
	if h.layout&flagProxy != 0 && !h.proxy().claim() {
		return false
	}
	return wakeClaimed(h, outcome, woken)
}

// wakeClaimed is wake for what is no proxy, or has been claimed.
func wakeClaimed(h *header, outcome uint32, woken *wakeList) bool {
	x := h.env.get().runtime
	if woken.w == nil {
		woken.w, woken.from = currentWorker(), OriginConcurrent
	}
	if !woken.w.serves(x) && x.gate.enter() != nil {
		x.leaveToCloser(h)
		return false
	}
	h.layout |= outcome
	woken.Push(Runnable{h})
	return true
}

// wakes is tasks that were woken and are to be posted.
type wakeList struct {
	RunQueue

	// w is the worker in whose park or step this happens, if it does; otherwise nil. Tasks
	// of its own executor need not pass the gate: that is closed when no worker
	// runs any more. In a park it is set from the start, in a step by wakeClaimed.
	w    *Worker
	from Origin // of tasks for w's queue
}

// post hands the tasks in woken to their executors. No lock may be held: an
// executor may run tasks in Post.
func post(woken *wakeList) {
	for {
		t, ok := woken.Pop()
		if !ok {
			return
		}
		if t.h.layout&flagProxy != 0 {
			t.h = t.h.proxy().settle(woken.w)
		}
		env := t.h.env.get()
		if woken.w.serves(env.runtime) {
			woken.w.pushLocal(t, env, woken.from)
			continue
		}
		woken.postOutside(t, env)
	}
}

// postParked is post at the end of a park that returns p. A task that is parked is not w's any
// more: if a task of another executor ends the goroutine in Post, that is not its failure.
func (w *Worker) postParked(p parking, woken *wakeList) {
	if p == parked {
		w.current = 0
	}
	post(woken)
}

// postOutside posts one task to an executor that may run tasks in Post. One of those may
// end the goroutine, or have a handler that panics: the others are posted all the same.
// They are in no queue where anybody would find them, and who closes their executors waits
// for them, since they have passed the gates.
func (woken *wakeList) postOutside(t Runnable, env *Environment) {
	x := env.runtime // env may be gone when Post returns
	returned := false
	defer func() {
		x.gate.leave()
		if returned {
			return
		}
		if v := recover(); v != nil {
			post(woken)
			panic(v)
		}
		woken.postRest()
	}()
	if env.executor.Post(t) != nil {
		x.leaveToCloser(t.h)
	}
	returned = true
}

// relieve posts what is left when the goroutine ends: tasks of its worker's own executor at
// once, and the others on another goroutine, which they may end too.
func (woken *wakeList) postRest() {
	rest := new(wakeList)
	for t, ok := woken.Pop(); ok; t, ok = woken.Pop() {
		env := t.h.env.get()
		if !woken.w.serves(env.runtime) {
			rest.Push(t)
			continue
		}
		if t.h.layout&flagProxy != 0 {
			t.h = t.h.proxy().settle(woken.w)
		}
		woken.w.pushLocal(t, env, woken.from)
	}
	if rest.Len() > 0 {
		go post(rest)
	}
}

// ring is a queue of values that grows as needed and never shrinks. What is not in
// use is zero, since V may hold Go pointers.
type ring[V any] struct {
	values []V // its length is 0 or a power of two
	first  int
	n      int
}

func (r *ring[V]) push(v V) {
	if r.n == len(r.values) {
		values := make([]V, max(4, 2*r.n))
		k := copy(values, r.values[r.first:])
		copy(values[k:], r.values[:r.first])
		r.values, r.first = values, 0
	}
	r.values[(r.first+r.n)&(len(r.values)-1)] = v
	r.n++
}

// front must not be called on an empty ring, nor must pop.
func (r *ring[V]) front() V { return r.values[r.first] }

func (r *ring[V]) pop() V {
	var zero V
	v := r.values[r.first]
	r.values[r.first] = zero
	r.first = (r.first + 1) & (len(r.values) - 1)
	r.n--
	return v
}
