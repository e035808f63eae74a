package soak

// Fault is something that tests make a child do wrong, to see whether it is found.
type Fault string

// Faults, and where they are.
const (
	BrokenAllocator Fault = "allocator" // in the allocators' load, from the second round on
	WrongTree       Fault = "tree"      // in the trees' load, from the second round on
	LostWake        Fault = "wake"      // in the crowd, from the second round on
	LostFrame       Fault = "frame"     // in the crowd, from the second round on
	Growth          Fault = "growth"    // of the Go heap after each round, and rounds do nothing else
	Stall           Fault = "stall"     // in the faults' load, from the second round on
	Crash           Fault = "crash"     // the same: the process dies
	Silence         Fault = "silence"   // the same: nothing of the child runs any more
)

// Both are set before the child does anything else.
var (
	planted Fault
	small   bool
)

// Shrink makes this process, a child, have small rounds: for tests.
func Shrink() { small = true }

// Plant makes this process, a child, have a fault.
func Plant(f Fault) { planted = f }

// plantedIn reports whether a round has the fault.
func plantedIn(f Fault, round int) bool { return planted == f && round >= 2 }
