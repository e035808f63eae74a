// Orders is a shop with 100,000 open orders. An order waits for its payment, and has three timers:
// the customer is reminded, the goods are no longer reserved, the order expires. It can be cancelled,
// and has a handle, which says how it has ended.
//
//	go run ./examples/orders
//	go run ./examples/orders -n 10000 -as goroutines
//
// Each order is a task, which its handle cancels. It waits in a [task.Select] for the payment and for
// the timers that have not gone off. With -as goroutines, each order is a goroutine that does the
// same, and has a context of its own; with -as tasks it is a task with steps by hand. The program prints how the orders ended, and what it had of
// memory while all were open. To compare them, run
//
//	go run ./cmd/framearena programs
//
// Package shop has all: shop.go is what they have in common, with Day, the day of the shop;
// plain.go, goroutines.go and tasks.go are the three. The tests let a virtual clock run, so that orders expire
// at once.
//
// [task.Select]: https://pkg.go.dev/github.com/framearena/framearena/task#Select
package main
