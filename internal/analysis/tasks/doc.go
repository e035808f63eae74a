// Package tasks finds mistakes in task functions that the compiler accepts: a t that is kept, an operation
// that blocks the worker, a lock that is held while the function waits, a Group that nobody waits for,
// functions that run on goroutines, and generated code that is older than its source.
//
// A task function is a function, method or literal whose first parameter is a [*task.T]. The analyzers look
// at one function at a time. What is in literals that are no task functions is not looked at, but for t
// itself: such literals are what task.Block and the go statement run on goroutines, where it is no mistake
// to block.
//
// The analyzers prefer silence to a false alarm. Files that framearena gen has written are left out, but for
// the question whether they are up to date. A comment //framearena:ignore works as in package steps.
//
// [*task.T]: https://pkg.go.dev/github.com/framearena/framearena/task#T
package tasks
