// Own runs tasks with an allocator and an executor that a user would write:
//
//	go run ./examples/own
//	go run ./examples/own -below 3000000 -goroutines 4 -slots 20
//
// slots.go is an allocator: a fixed number of frames of one size. pool.go is an executor:
// several goroutines with one queue. Both are short and complete, to be copied and changed.
//
// The tests show how to test them. For an allocator, a test states what the allocator
// promises, and [fuzz.Check], [fuzz.Stress] and [fuzz.Fuzz] test it. For an executor, a test
// has tasks that wait, sleep, spawn, panic and end their goroutine, and closes the executor
// meanwhile: if no frame is live then, each task has been run or cancelled.
//
// The program searches for the longest of the Collatz sequences that begin below a number.
// There are more parts of the search than slots, so it limits how many parts are searched at
// a time.
package main
