// Orders is a shop with 100,000 open orders. An order waits for its payment, and has three timers:
// the customer is reminded, the goods are no longer reserved, the order expires. It can be cancelled,
// and has a handle, which says how it has ended.
//
//	go run ./examples/orders
//	go run ./examples/orders -n 10000 -as goroutines
//
// Each order is a task, which its handle cancels. Its steps are a [coro.Select] over the payment and
// the timers that have not gone off. With -as goroutines, each order is a goroutine that does the
// same, and has a context of its own. The program prints how the orders ended, and what it had of
// memory while all were open. To compare the two, run
//
//	go run ./cmd/framearena programs
//
// Package shop has both: shop.go is what they have in common, with Day, the day of the shop;
// tasks.go and goroutines.go are the two. The tests let a virtual clock run, so that orders expire
// at once.
//
// [coro.Select]: https://pkg.go.dev/github.com/framearena/framearena/coro#Select
package main
