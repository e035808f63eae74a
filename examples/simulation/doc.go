// Simulation lets a million customers come to a bank, in virtual time, and compares how
// long they waited with what queueing theory says:
//
//	go run ./examples/simulation
//	go run ./examples/simulation -tellers 1 -load 0.5
//	go run ./examples/simulation -entities 5000000 -seed 7
//
// A customer is a task, and its step function (bank.go) says what a customer does: come,
// wait for a teller, be served, go. There is no list of events: [coro.Sleep] lets the
// customer's time pass, and a [coro.Semaphore] is the queue, first come, first served.
//
// All customers are there from the beginning, asleep until they come. One is a frame of
// 128 bytes, which the garbage collector does not look into, and a slot of 16 that it does,
// with a pointer to the bank.
//
// The executor is a Loop with executor.WithVirtualTime: when nobody has anything to do, its
// clock jumps to the moment when somebody has. The goroutine that drives the loop runs all
// customers, so nothing that they share needs a lock, and the same seed gives the same
// result to the last nanosecond. The digest that is printed says so: it is computed from
// when each customer was served, in the order in which they were.
//
// The theory is Erlang's, for customers who come independently of each other to tellers
// who take a time with an exponential distribution: M/M/c (theory.go).
package main
