// Pipeline works on 50,000 items at the same time, and gives the results out in the order of the
// items, whatever each one takes.
//
//	go run ./examples/pipeline
//	go run ./examples/pipeline -n 10000 -as goroutines
//
// One task is the source: it starts a task for each item. Another task is the output: it gets the items
// through a channel, in order, and waits for the result of each. The channel has as much room as there
// may be items in work. The tasks are plain Go, in a [task.Group]. With -as goroutines,
// each item is a goroutine with a channel for its result. With -as tasks they have steps by hand:
// handles go through a [coro.Chan], and a [coro.Semaphore] counts the room. In the run of the program,
// the service that items ask is down until all items wait for it. The program prints what it had of
// memory then. To compare the three, run
//
//	go run ./cmd/framearena programs
//
// Package ordered has them: ordered.go is what they have in common, plain.go, goroutines.go and tasks.go
// are the three.
//
// [task.Group]: https://pkg.go.dev/github.com/framearena/framearena/task#Group
// [coro.Semaphore]: https://pkg.go.dev/github.com/framearena/framearena/coro#Semaphore
// [coro.Chan]: https://pkg.go.dev/github.com/framearena/framearena/coro#Chan
package main
