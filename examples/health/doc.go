// Health checks 10,000 targets over HTTP, again and again. The targets are paths of a server in the
// same process; one in ten is ill.
//
//	go run ./examples/health
//	go run ./examples/health -n 1000 -as goroutines
//
// Each target has a task: it waits for a permit, since a few checks run at the same time, sends the
// request in a [task.Block] with a [task.Timeout], and sleeps until the next check. With
// -as goroutines, each target has a goroutine that does the same, and with -as tasks a task with steps
// by hand. The program prints how many targets are ill after the first round, and what it had of memory while all
// waited for the second. To compare them, run
//
//	go run ./cmd/framearena programs
//
// Package checker has all: plain.go, goroutines.go and tasks.go are the three, checker.go is what they
// have in common, and world.go the targets.
//
// [task.Block]: https://pkg.go.dev/github.com/framearena/framearena/task#Block
// [task.Timeout]: https://pkg.go.dev/github.com/framearena/framearena/task#Timeout
package main
