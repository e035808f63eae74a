package coro

import "sync/atomic"

// expectation is the guess that an operation of a compiled function will have to wait: it had to the last
// time. Then the function does not try the operation in place, which would be in vain and take the lock
// once more, but waits for it at once, as a step function does. If it need not wait in the end, it will
// be tried in place again.
//
// It is stored with the lock of the waitable held, and loaded without. Nothing depends on it but time,
// except that a Send to a closed channel must look: Close clears it.
type expectation struct{ waits atomic.Uint32 }

// wait reports whether s is the Suspension of a task, which waits at once.
func (e *expectation) wait(s *Suspension) bool { return e.waits.Load() != 0 && s.w != nil }

// learn notes whether an operation could be done. The store, which costs as much as a lock, is rare.
func (e *expectation) learn(done bool) {
	waits := uint32(1)
	if done {
		waits = 0
	}
	if e.waits.Load() != waits {
		e.waits.Store(waits)
	}
}
