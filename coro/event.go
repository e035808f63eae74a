package coro

// Event is something that happens and that tasks wait for: all of them go on when
// it is set, and those that come later do not wait until it is reset. The zero
// Event is not set. It may be used from any goroutine and by tasks on different
// executors, and must not be copied.
type Event struct {
	lock    lock
	set     bool // guarded by lock, as the rest
	waiters fifo[struct{}]
}

// Wait waits until the event is set and goes on in f at the resume point at. If
// f.Err is not nil then, the tree's context has ended. A task that was woken by
// Set goes on even if the event has been reset meanwhile.
func (e *Event) Wait(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, e) }

// Set sets the event and wakes the tasks that wait, in the order in which they
// came.
func (e *Event) Set() {
	var woken wakeList
	e.lock.mu.Lock()
	e.set = true
	e.waiters.wakeAll(flagWoken, &woken)
	e.lock.mu.Unlock()
	post(&woken)
}

// Reset makes the event one that has not happened.
func (e *Event) Reset() {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	e.set = false
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.set
}

func (e *Event) park(_ *Worker, h *header) parking {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.set {
		return parkDone
	}
	p := e.lock.admit(e, h)
	if p == parked {
		e.waiters.push(h, struct{}{})
	}
	return p
}

func (e *Event) withdraw(m match, woken *wakeList) {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	e.waiters.withdraw(m, woken)
}

func (e *Event) forget(r *waitRegistry) bool {
	if !e.lock.mu.TryLock() {
		return false
	}
	defer e.lock.mu.Unlock()
	return e.lock.forget(r, !e.waiters.idle())
}
