package soak

// Fault is something that a child does wrong, for the tests that check that it is found.
type Fault string

// The faults, and where they occur.
const (
	BrokenAllocator Fault = "allocator" // in the allocators' load, from the second round on
	WrongTree       Fault = "tree"      // in the trees' load, from the second round on
	LostWake        Fault = "wake"      // in the crowd, from the second round on
	LostFrame       Fault = "frame"     // in the crowd, from the second round on
	Growth          Fault = "growth"    // the Go heap grows in each round, and rounds do nothing else
	Stall           Fault = "stall"     // in the faults' load, from the second round on
	Crash           Fault = "crash"     // the same: the process dies
	Silence         Fault = "silence"   // the same: the child writes no message any more
)

// Both are set before the child does anything else, and never after that.
var (
	planted Fault
	small   bool
)

// Shrink makes the rounds of this process, a child, small. It is for tests.
func Shrink() { small = true }

// Plant gives this process, a child, a fault. It is for tests.
func Plant(f Fault) { planted = f }

// plantedIn reports whether a round has the fault.
func plantedIn(f Fault, round int) bool { return planted == f && round >= 2 }
