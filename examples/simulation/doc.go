// Simulation simulates a bank with a million customers, in virtual time, and compares their
// waiting times with those of queueing theory:
//
//	go run ./examples/simulation
//	go run ./examples/simulation -tellers 1 -load 0.5
//	go run ./examples/simulation -entities 5000000 -seed 7
//	go run ./examples/simulation -as tasks # customers with steps by hand, in bank.go
//
// A customer is a task, and its function (plain.go) says what it does: arrive, wait for
// a teller, be served, leave. There is no list of events: the time passes in T.Sleep of package task,
// and the queue is that of a [task.Semaphore], first come, first served.
//
// All customers exist from the beginning, and sleep until they arrive. Each takes a frame of
// 128 bytes, which the garbage collector does not scan, and a slot of 16 bytes on the Go
// heap, with a pointer to the bank.
//
// The executor is a Loop with executor.WithVirtualTime: when no task is ready, its clock
// jumps to the time of the next timer. One goroutine runs the loop with all customers, so
// they need no lock for what they share, and the same seed gives the same result to the
// nanosecond. The program prints a digest of the times at which customers were served, in
// their order.
//
// The theory (theory.go) is Erlang's for an M/M/c queue: customers arrive independently of
// each other, and times of service have an exponential distribution.
package main
