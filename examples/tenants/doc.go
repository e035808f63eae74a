// Tenants is a server whose tenants each have a budget of memory for their tasks. One asks
// for too much, is told so, and the others do not notice:
//
//	go run ./examples/tenants
//	go run ./examples/tenants -budget 16777216
//	go run ./examples/tenants -memory own
//
// The service (service.go) answers GET /{tenant}/sum?n=…&takes=… with the sum of n items,
// each of which takes some time to be had, as one from a database would. An item is a
// task, and all of a request are under way at the same time. So what a client writes into
// an address decides how much memory it takes.
//
// # The budget
//
// A request is launched with [coro.Allocator], so that all of its frames, however many
// tasks it comes to, are the tenant's. Each tenant has an [arena.Bounded] in front of an
// arena that they share, or with -memory own an arena of its own with
// [arena.WithMaxBytes], whose least limit is 2 MiB. In front of either is an
// [arena.Counting], for the figures.
//
// When the budget is used up, a task that should be spawned fails with
// [arena.ErrExhausted]. By the group's policy, coro.FirstError, that ends the request, the
// client gets a 507, and the memory is there for the next request.
//
// The budget is one of memory. The processors are shared as ever, so a tenant who keeps
// them busy is noticed by the others in their latency. What a task has on the Go heap, its
// held part and what that refers to, does not count.
package main
