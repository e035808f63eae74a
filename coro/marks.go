package coro

import "sync/atomic"

// marks is what a waitable remembers in bits. They are changed with the waitable's lock held, and read
// with or without.
//
// Those whose names end with Wait are the guess that an operation of a compiled function will have to
// wait: it had to the last time. Then the function does not try the operation in place, which would be in
// vain and take the lock once more, but waits for it at once, as a step function does. If it need not
// wait in the end, the next one is tried in place again. Nothing but time depends on that guess, except
// that a Send to a closed channel must look: Close takes sendsWait away.
type marks struct{ bits atomic.Uint32 }

const (
	chanClosed = 1 << iota // the channel takes no more values
	sendsWait
	recvsWait
	locksWait
)

func (m *marks) has(bit uint32) bool { return m.bits.Load()&bit != 0 }

// set changes a bit. A store costs as much as a lock, and is rare.
func (m *marks) set(bit uint32, on bool) {
	old := m.bits.Load()
	bits := old &^ bit
	if on {
		bits |= bit
	}
	if bits != old {
		m.bits.Store(bits)
	}
}
