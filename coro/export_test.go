package coro

// Pinned returns the number of shared environments and Handles that are kept alive because only frames
// refer to them.
func Pinned() int { return sharedPins.len() + liveHandles.len() }

// Registered returns how many waitables the executor has.
func (e *Environment) Registered() int {
	all := &e.runtime.waitables
	all.mu.Lock()
	defer all.mu.Unlock()
	return len(all.set)
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

// How much is looked at under one lock.
const (
	VisitBatch = visitBatch
	VisitLinks = visitLinks
)
