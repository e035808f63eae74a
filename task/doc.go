// Package task is what programs are written in: ordinary Go functions that wait, run by an executor.
//
// A task function is a function whose first parameter is a *[T]. It waits by the methods of T and by
// the functions of this package, and calls other task functions with its T. Without more it runs on
// a goroutine. After `go tool framearena gen ./...` the same function runs as a task: while it waits,
// it is a frame of 128 bytes or more, which the garbage collector does not look at.
package task

// For maintainers: the order in which the files are read. Each group needs only those before it.
//
//	functions   t, wait, sleep
//	launching   call_form, call, start_form, plain, options, launch, handle
//	children    call_plain, group, scopes
//	by hand     await
