package coro

import (
	"github.com/framearena/framearena/internal/interleave"
)

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
	if !woken.w.serves(x) && x.gate.Enter() != nil {
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

// cancelled has empty *wakes: those of cancel would be allocated each time.
var wakeLists = interleave.Pool{New: func() any { return new(wakeList) }}

// recycle puts wakes of cancelled back. Whoever gets them next may be no worker.
func (woken *wakeList) recycle() {
	*woken = wakeList{}
	wakeLists.Put(woken)
}
