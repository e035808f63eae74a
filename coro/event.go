package coro

// Event is something that happens and that tasks wait for. When it is set, all waiting tasks
// continue; later ones do not wait until it is reset. The zero Event is not set. Any
// goroutine may use it, and tasks on different executors. It must not be copied.
type Event struct {
	plainCase
	eventWaiters
}

// eventWaiters is the lock, the state and the queue; an alias, see waiters.
type eventWaiters = waiters[struct{ set bool }, struct{}]

// Wait waits until the event is set, and resumes f's task at the resume point at. If f.Err is
// not nil then, the tree's context has ended. A task that Set has woken continues even if the
// event has been reset before it runs.
func (e *Event) Wait(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, e) }

// Set sets the event and wakes the waiting tasks, in the order in which they came.
func (e *Event) Set() {
	var woken wakeList
	e.lock.mu.Lock()
	e.state.set = true
	e.queue.wakeAll(flagWoken, &woken)
	e.lock.mu.Unlock()
	post(&woken)
}

// Reset makes the event one that has not happened.
func (e *Event) Reset() {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	e.state.set = false
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.state.set
}

func (e *Event) park(_ *Worker, h *header) parking {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.state.set {
		return parkDone
	}
	return e.wait(e, h, struct{}{})
}

func (e *Event) visit(v *visitor) bool { return e.visitAs("Event.Wait", v) }
