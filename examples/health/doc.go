// Health checks 10,000 targets over HTTP, again and again. The targets are paths of a server in the
// same process; one in ten is ill.
//
//	go run ./examples/health
//	go run ./examples/health -n 1000 -as goroutines
//
// Each target has a task: it waits for a permit, since a few checks run at the same time, awaits a
// child that sends the request in a [coro.Blocking] and has a [coro.Timeout], and sleeps until the
// next check. With -as goroutines, each target has a goroutine that does the same. The program
// prints how many targets are ill after the first round, and what it had of memory while all
// waited for the second. To compare the two, run
//
//	go run ./cmd/framearena programs
//
// Package checker has both: tasks.go and goroutines.go are the two, checker.go is what they have in
// common, and world.go the targets.
//
// [coro.Blocking]: https://pkg.go.dev/github.com/framearena/framearena/coro#Blocking
// [coro.Timeout]: https://pkg.go.dev/github.com/framearena/framearena/coro#Timeout
package main
