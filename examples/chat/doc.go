// Chat is a chat room with 50,000 members. Each hears what is said, and gets a ping when nothing
// was said for a while. There is no network: a member's connection is an interface with a counter
// behind it.
//
//	go run ./examples/chat
//	go run ./examples/chat -n 10000 -as goroutines
//
// Each member is a task, which waits in a [coro.Select] for a message in its inbox, a [coro.Chan],
// or for the time of the ping. To say something is to try to send it to each inbox: nobody waits for
// a member that is slow. With -as goroutines, each member is a goroutine that does the same. The
// program prints how many messages were delivered, and what it had of memory while all members
// waited. To compare the two, run
//
//	go run ./cmd/framearena programs
//
// Package room has both: room.go is what they have in common, tasks.go and goroutines.go are the
// two.
//
// [coro.Select]: https://pkg.go.dev/github.com/framearena/framearena/coro#Select
// [coro.Chan]: https://pkg.go.dev/github.com/framearena/framearena/coro#Chan
package main
