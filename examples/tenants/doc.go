// Tenants is a server whose tenants each have a memory budget for their tasks. One of them
// asks for too much and gets an error, and the others are not affected:
//
//	go run ./examples/tenants
//	go run ./examples/tenants -budget 16777216
//	go run ./examples/tenants -memory own
//	go run ./examples/tenants -as tasks # requests with steps by hand, in service.go
//
// The service (service.go) answers GET /{tenant}/sum?n=…&takes=… with the sum of n items.
// Each item takes some time to arrive, like one from a database. Each item is a task, and
// the tasks of a request exist at the same time. So the address that a client requests
// decides how much memory the request takes.
//
// # The budget
//
// A request is launched with [coro.Allocator], so all frames of its tree come from the
// tenant's allocator. Each tenant has an [arena.Bounded] in front of an arena that all
// share, or with -memory own an arena of its own with [arena.WithMaxBytes], of at least
// 2 MiB. In front of either is an [arena.Counting], for the figures.
//
// When the budget is used up, spawning a task fails with [arena.ErrExhausted]. With the
// group's policy coro.FirstError that ends the request: the client gets status 507, and the
// memory is free for the next request.
//
// The budget limits memory only. Tenants share the processors, so a tenant that keeps them
// busy adds to the latency of the others. Memory on the Go heap does not count: the held
// part of a task, and what that refers to.
package main
