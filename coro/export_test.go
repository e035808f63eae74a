package coro

// Pinned returns the number of calls and shared environments that are kept alive because only frames
// refer to them. ok is false if the list of calls is not linked alike in both directions.
func Pinned() (n int, ok bool) {
	pinned.mu.Lock()
	defer pinned.mu.Unlock()
	var prev *call
	for c := pinned.list; c != nil; prev, c = c, c.next {
		if c.prev != prev {
			return n, false
		}
		n++
	}
	return n + sharedPins.len(), true
}

// Registered returns how many waitables the executor's registry has.
func (e *Environment) Registered() int {
	r := &e.runtime.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.set)
}

// Trees returns how many trees with a context have had a task that waited and have
// not ended. ok is false if their list is not linked alike in both directions.
func (e *Environment) Trees() (n int, ok bool) {
	e.runtime.mu.Lock()
	defer e.runtime.mu.Unlock()
	var prev *waitRegistry
	for r := e.runtime.trees; r != nil; prev, r = r, r.next {
		if r.prev != prev {
			return n, false
		}
		n++
	}
	return n, true
}

// CloseGate does the first half of CancelWaiting: from now on, tasks that would be
// woken are left to the second.
func (e *Environment) CloseGate(err error) { e.runtime.gate.Close(err) }

// Cursors returns how many are looking through the queue of e.
func (e *Event) Cursors() (n int) {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	for c := e.queue.cursors.first; c != nil; c = c.next {
		n++
	}
	return n
}

// Cursors returns how many are looking through the trees of the executor.
func (e *Environment) Cursors() (n int) {
	e.runtime.mu.Lock()
	defer e.runtime.mu.Unlock()
	for c := e.runtime.cursors.first; c != nil; c = c.next {
		n++
	}
	return n
}

// How much is looked at under one lock.
const (
	VisitBatch = visitBatch
	VisitLinks = visitLinks
)
