// Pipeline works on 50,000 items at the same time, and gives the results out in the order of the
// items, whatever each one takes.
//
//	go run ./examples/pipeline
//	go run ./examples/pipeline -n 10000 -as goroutines
//
// One task is the source: it launches a task for each item, as long as there is room, which a
// [coro.Semaphore] counts. Another task is the output: it gets the items' handles through a
// [coro.Chan], in order, awaits each, and makes room. With -as goroutines, each item is a goroutine
// with a channel for its result. In the run of the program, the service that items ask is down until
// all items wait for it. The program prints what it had of memory then. To compare the two, run
//
//	go run ./cmd/framearena programs
//
// Package ordered has both: ordered.go is what they have in common, tasks.go and goroutines.go are
// the two.
//
// [coro.Semaphore]: https://pkg.go.dev/github.com/framearena/framearena/coro#Semaphore
// [coro.Chan]: https://pkg.go.dev/github.com/framearena/framearena/coro#Chan
package main
