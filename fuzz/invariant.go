package fuzz

import (
	"fmt"
	"slices"
)

// Invariant names a rule that an allocator must keep. A failure names the invariant that
// was broken.
type Invariant string

const (
	// Overlap: two live frames share bytes. Each owner overwrites the other's state, and
	// the damage shows later and elsewhere.
	Overlap Invariant = "Overlap"

	// HandedOutTwice: a live frame was handed out again, so two tasks run in one frame.
	// Races, double frees and lost links lead to this fault.
	HandedOutTwice Invariant = "HandedOutTwice"

	// Misaligned: a frame is not aligned as promised. Atomic operations on its words fail
	// on some machines, and frames of different owners share cache lines on all machines.
	Misaligned Invariant = "Misaligned"

	// NotUsable: some bytes of a frame cannot be used. Reading or writing them faults, or
	// they lie outside the memory that the allocator was given.
	NotUsable Invariant = "NotUsable"

	// Damaged: the contents of a live frame changed without a write by its owner.
	Damaged Invariant = "Damaged"

	// NotZeroed: a new frame has bytes that are not zero, and zero was promised. A task
	// that relies on the promise reads the state of another task.
	NotZeroed Invariant = "NotZeroed"

	// Lost: freed frames are not used again, so the same load takes more and more memory;
	// or blocks are never given back to the allocator below. A program that runs for weeks
	// runs out of memory.
	Lost Invariant = "Lost"

	// WrongAccount: the allocator's figures differ from what is live. Budgets, dashboards
	// and leak checks depend on them: when all frames are freed, none may count as live.
	WrongAccount Invariant = "WrongAccount"

	// WrongRefusal: a request got nil although the allocator had no reason to refuse it.
	// Often an earlier refusal has harmed the allocator.
	WrongRefusal Invariant = "WrongRefusal"

	// LimitExceeded: a request got memory that the allocator should have refused: more than
	// a machine can have, than the largest size, or than the budget.
	LimitExceeded Invariant = "LimitExceeded"

	// OutsideWrite: the allocator wrote to memory that it does not own: beside a block of
	// the allocator below, or in a block that it had given back.
	OutsideWrite Invariant = "OutsideWrite"

	// BadReturn: the allocator gave something back to the allocator below that is not a
	// live block, or gave it back with another size.
	BadReturn Invariant = "BadReturn"

	// Panicked: the allocator panicked, or ended the goroutine that called it. When it has
	// no memory it must return nil, which its caller can handle.
	Panicked Invariant = "Panicked"

	// Stuck: a call does not return. A lock was not released, or a loop waits for something
	// that never happens. Stress does not look for it: the timeout of go test does.
	Stuck Invariant = "Stuck"

	// NilFreed: Deallocate of nil did something. It panicked, changed a figure,
	// gave something back to the allocator below, or the allocator no longer
	// serves what it has served before. A caller may pass on the answer of a refused
	// Allocate, so nil is ignored, whatever the size.
	NilFreed Invariant = "NilFreed"

	// Invalid: the allocator's own validation returned an error.
	Invalid Invariant = "Invalid"

	// Reported: the constructor or a cleanup reported an error: for example, closing the
	// allocator failed.
	Reported Invariant = "Reported"
)

// invariants lists all invariants in the order of their declaration.
var invariants = []Invariant{
	Overlap, HandedOutTwice, Misaligned, NotUsable, Damaged, NotZeroed, Lost, WrongAccount,
	WrongRefusal, LimitExceeded, OutsideWrite, BadReturn, Panicked, Stuck,
	NilFreed, Invalid, Reported,
}

// Invariants returns all invariants, in a new slice.
func Invariants() []Invariant { return slices.Clone(invariants) }

// violation says how an invariant was broken.
type violation struct {
	invariant Invariant
	text      string
}

func violated(i Invariant, format string, args ...any) *violation {
	return &violation{i, fmt.Sprintf(format, args...)}
}
