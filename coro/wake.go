package coro

import (
	"github.com/framearena/framearena/internal/interleave"
)

// A waiting task may be woken by a waker (what it waits for has happened), by a canceller (its
// context has ended) or by the closer of its executor. It is woken once, keeps what it was
// given, and gets to its executor:
//
//  1. One goroutine gets the task. It is in one queue, and a goroutine that takes it out,
//     under the queue's lock, has it: nothing else decides. (A task in a Select is in several
//     queues; there, claim decides. A sleeping task is in the timer wheel; there, the
//     goroutine that takes the timer out has the task.)
//  2. What the task waited for is given in the same critical section: the mutex stays locked,
//     the permits are taken, the value is in the task's state. wake sets flagWoken there, and
//     takeOutcome does not tell such a task that its context has ended. A task that was
//     withdrawn has no flag, and Err returns its cause.
//  3. If wake returns false, the task must be given nothing, and the waker takes the next one.
//     So nothing that is given is lost with a task that will not run.
//  4. wake puts the task into a wakeList of the caller's own, and post hands it to its
//     executor when the caller holds no lock any more: an executor may run tasks in Post.
//     Between the two, the task is in no place where another goroutine could find it, and its
//     executor must not end. So wake passes the executor's gate, and post leaves it: the
//     closer closes the gate and waits until no goroutine is inside. A waker that finds the
//     gate closed leaves the task to the closer, under the queue's lock, and returns false.
//     See runtime.go for why the closer finds it.
//  5. A waker in a step of a worker of the same executor passes no gate: the gate is closed
//     when no worker runs tasks any more.
//  6. In Post, a task may end the goroutine, or a handler may panic. The rest of the list is
//     posted all the same: no other goroutine would find those tasks, and the closers of
//     their executors wait for them. A task that was parked is not its worker's current frame
//     when park posts (postParked): what a task of another executor does to the goroutine
//     there is not its failure.
//
// TestInterleavingsOfWaits tries the orders of waker, canceller and closer, and
// TestInterleavingsOfWaitsBroken shows that it notices a fault.

// wake adds the task of h to woken, or returns false: then the task must be given nothing.
// Either its executor is being closed and the task will not run, or it is in a Select that has
// chosen another case. outcome is flagWoken if what the task waited for has happened, with
// flagChanClosed if that is the end of a channel; it is 0 if the context has ended.
//
// The caller has just taken h from a queue, holds the lock of that, and calls post after it
// has released the lock.
func wake(h *header, outcome uint32, woken *wakeList) bool {
	if h.layout&flagProxy != 0 && !h.proxy().claim() {
		return false
	}
	return wakeClaimed(h, outcome, woken)
}

// wakeClaimed is wake for a task that is not a proxy, or for a proxy that the caller has
// claimed.
func wakeClaimed(h *header, outcome uint32, woken *wakeList) bool {
	x := h.env.get().runtime
	// A list without a worker belongs to a method without a frame, which a step may call.
	if woken.w == nil {
		woken.w, woken.from = currentWorker(), OriginConcurrent
	}
	h.unlist(woken.w)
	if !woken.w.serves(x) && x.gate.Enter() != nil {
		x.leaveToCloser(h)
		return false
	}
	h.layout |= outcome // nobody else has h: it is in no queue now
	woken.Push(Runnable{h})
	return true
}

// wakeList has tasks that were woken and are still to be posted. It belongs to the goroutine
// that wakes them.
type wakeList struct {
	RunQueue

	// w is the worker in whose park or step the tasks are woken, nil if there is none. In a
	// park it is set from the start, in a step wakeClaimed sets it. Tasks of w's executor
	// go to w's own queue and pass no gate.
	w    *Worker
	from Origin // of the tasks that go to w's queue
}

// post hands the tasks in woken to their executors. The caller holds no lock: an executor may
// run tasks in Post.
func post(woken *wakeList) {
	for {
		t, ok := woken.Pop()
		if !ok {
			return
		}
		env := t.h.env.get()
		if t.h.layout&flagProxy != 0 {
			if t.h = settle(t.h, woken.w); t.h == nil {
				continue
			}
			// From here on, t is the task itself.
		}
		if woken.w.serves(env.runtime) {
			woken.w.pushLocal(t, env, woken.from)
			continue
		}
		woken.postOutside(t, env)
	}
}

// settle is proxy.settle for the proxy h of a wakeList whose worker is w. If the task is still to
// be resumed by fire, settle returns nil, and leaves the gate that wake has passed.
func settle(h *header, w *Worker) *header {
	x := h.env.get().runtime // the task may have ended when settle returns
	if h = h.proxy().settle(w); h == nil && !w.serves(x) {
		x.gate.Leave()
	}
	return h
}

// postParked is post at the end of a park that returns p. A parked task does not belong to w
// any more. If a task of another executor ends the goroutine in Post, that is not the parked
// task's failure.
func (w *Worker) postParked(p parking, woken *wakeList) {
	if p == parked {
		w.current = 0
	}
	post(woken)
}

// postOutside posts one task to an executor that may run tasks in Post, and leaves the gate
// that wake has passed. If one of those tasks ends the goroutine, or a handler panics, the
// rest of the list is posted all the same.
func (woken *wakeList) postOutside(t Runnable, env *Environment) {
	x := env.runtime // env may be gone when Post returns
	returned := false
	defer func() {
		x.gate.Leave()
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

// postRest posts the rest of the list when the goroutine ends: tasks of its worker's own
// executor at once, and the others on another goroutine, since they may end that too.
func (woken *wakeList) postRest() {
	rest := new(wakeList)
	for t, ok := woken.Pop(); ok; t, ok = woken.Pop() {
		env := t.h.env.get()
		if !woken.w.serves(env.runtime) {
			rest.Push(t)
			continue
		}
		if t.h.layout&flagProxy != 0 {
			if t.h = settle(t.h, woken.w); t.h == nil {
				continue
			}
		}
		woken.w.pushLocal(t, env, woken.from)
	}
	if rest.Len() > 0 {
		go post(rest)
	}
}

// wakeLists has empty wakeLists, for cancellers and for timers that fire: a variable there
// would be allocated each time.
var wakeLists = interleave.Pool{New: func() any { return new(wakeList) }}

// recycle clears woken, which may have a worker that its next user does not have, and puts it
// back into wakeLists.
func (woken *wakeList) recycle() {
	*woken = wakeList{}
	wakeLists.Put(woken)
}
