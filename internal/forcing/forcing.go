// Package forcing lets tests decide when task functions suspend, and has the frames of suspended
// functions moved. Its variables are written while no executor runs, and by tests alone. In other
// programs they have their zero values, and cost a load each.
package forcing

// Choice is what an operation of package task does that a function has called.
type Choice uint8

const (
	// Usual is what it does without any force.
	Usual Choice = iota

	// Complete is that it returns at once if it can.
	Complete

	// Suspend is that it suspends the function, also if it need not.
	Suspend

	// Stay is that it waits until the executor ends.
	Stay
)

// Reached, unless it is nil, is called by each operation of package task that may suspend, when a
// function calls it, on a goroutine as in a task. It may panic.
var Reached func() Choice

// Moves has each frame that is suspended copied elsewhere, with its held part, and the old memory
// filled.
var Moves bool

// GivesWay has each operation that completes ask its worker to let other tasks run: then the next
// one waits that need not, and so does the caller of the next function that returns to a frame.
var GivesWay bool
