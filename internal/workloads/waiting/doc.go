// Package waiting has many root tasks, or goroutines, wait at the same time, for each form of
// launch and of wait, and says what memory they take. [Forms] is the table of forms.
//
// Three things share it, so that they measure the same programs: cmd/framearena, which prints
// the table; the benchmark of package executor; and the tests of this package, which have a
// bound for each form.
//
// A [Crowd] is the roots of one form. [Crowd.Launch] launches them and returns when all wait,
// [Crowd.Release] lets them end, and [Crowd.Memory] says what they take. What the tasks wait for
// is in variables of this package, since a task without a held part can refer to nothing else.
// So there is one crowd at a time in a process.
//
// The command has the roots on an executor.Pool, as programs do. The tests and the benchmark have
// them on an executor.Inline, on which nothing depends on the scheduler.
//
// In the order in which to read: forms.go is the table, crowd.go the crowd and its figures;
// launches.go, waits.go and goroutines.go are the programs, and hand_clock.go is the clock that
// releases those that sleep.
package waiting
