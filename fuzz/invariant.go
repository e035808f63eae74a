package fuzz

import "slices"

// Invariant names what an allocator must never do. A failing run says which one it
// is that was broken.
type Invariant string

const (
	// Overlap: two live frames share bytes. Each owner overwrites the other's state,
	// and both find out later and elsewhere.
	Overlap Invariant = "Overlap"

	// HandedOutTwice: a live frame was handed out again. It is the fault that races,
	// double frees and lost links end in: two tasks run in one frame.
	HandedOutTwice Invariant = "HandedOutTwice"

	// Misaligned: a frame is not aligned as promised. Atomic operations on its words
	// fail on some machines, and owners share cache lines on all.
	Misaligned Invariant = "Misaligned"

	// NotUsable: not all bytes of a frame can be used: reading or writing them faults,
	// or they lie outside what the allocator was given.
	NotUsable Invariant = "NotUsable"

	// Damaged: the contents of a live frame changed, and its owner did not do it.
	Damaged Invariant = "Damaged"

	// NotZeroed: a frame has other bytes than zero where zero was promised. Whoever
	// relies on it sees what another task left behind.
	NotZeroed Invariant = "NotZeroed"

	// Lost: freed frames do not come back: the same load takes more and more memory, or
	// the allocator below never sees its blocks again. A program that runs for weeks
	// ends by it.
	Lost Invariant = "Lost"

	// WrongAccount: the figures differ from what is live. Budgets, dashboards and
	// checks for leaks are built on them: when all is freed, nothing may count as live.
	WrongAccount Invariant = "WrongAccount"

	// WrongRefusal: a request got nil although nothing stood in its way: often a
	// refusal before has harmed the allocator.
	WrongRefusal Invariant = "WrongRefusal"

	// LimitExceeded: a request got memory that it should not have got: more than there
	// can be, than the greatest size or than the budget.
	LimitExceeded Invariant = "LimitExceeded"

	// OutsideWrite: memory was written to that the allocator does not have: beside the
	// blocks that it took from the allocator below, or in one that it gave back.
	OutsideWrite Invariant = "OutsideWrite"

	// BadReturn: what was given back to the allocator below is no live block of it, or
	// has another size.
	BadReturn Invariant = "BadReturn"

	// Panicked: the allocator panicked, or ended the goroutine that called it. A
	// refusal is no reason to: its caller knows what to do with a nil.
	Panicked Invariant = "Panicked"

	// Stuck: a call does not return: a lock was kept, or a loop waits for what nobody
	// does. In Stress that is for the timeout of go test to find.
	Stuck Invariant = "Stuck"

	// Invalid: the allocator's own validation found something.
	Invalid Invariant = "Invalid"

	// Reported: the constructor or a cleanup of the test reported an error: for
	// example, the allocator could not be closed.
	Reported Invariant = "Reported"
)

var invariants = []Invariant{
	Overlap, HandedOutTwice, Misaligned, NotUsable, Damaged, NotZeroed, Lost, WrongAccount,
	WrongRefusal, LimitExceeded, OutsideWrite, BadReturn, Panicked, Stuck, Invalid, Reported,
}

// Invariants returns all of them.
func Invariants() []Invariant { return slices.Clone(invariants) }
