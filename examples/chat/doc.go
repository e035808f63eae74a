// Chat is a chat room with 50,000 members. Each hears what is said, and gets a ping when nothing
// was said for a while. There is no network: a member's connection is an interface with a counter
// behind it. The folder websocket has a server for real ones.
//
//	go run ./examples/chat
//	go run ./examples/chat -n 10000 -as goroutines
//
// Each member is a task, which waits in a [task.Select] for a message in its inbox, a [task.Chan],
// or for the time of the ping. To say something is to try to send it to each inbox: nobody waits for
// a member that is slow. With -as goroutines, each member is a goroutine that does the same, and with
// -as tasks a task with steps by hand. The program prints how many messages were delivered, and what it had of memory while all members
// waited. To compare them, run
//
//	go run ./cmd/framearena programs
//
// Package room has all: room.go is what they have in common, plain.go, goroutines.go and tasks.go are
// the three.
//
// [task.Select]: https://pkg.go.dev/github.com/framearena/framearena/task#Select
// [task.Chan]: https://pkg.go.dev/github.com/framearena/framearena/task#Chan
package main
