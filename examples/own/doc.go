// Own runs tasks in frames of an allocator of one's own, on an executor of one's own:
//
//	go run ./examples/own
//	go run ./examples/own -below 3000000 -goroutines 4 -slots 20
//
// slots.go is an allocator: a fixed number of frames of one size. crew.go is an executor:
// some goroutines with one queue. Both are as short as such things can be and complete, and
// are there to be copied and changed.
//
// The test shows how to be sure of an allocator: it says what the allocator promises, and
// [fuzz.Check], [fuzz.Stress] and [fuzz.Fuzz] try whether that holds. Of an executor, a test
// must have tasks wait, sleep, spawn, panic and end their goroutine, and close it in the
// middle of that: if no frame is live then, each task was run or cancelled.
//
// The program looks for the longest of the Collatz sequences that begin below a number. It
// has more parts of that to do than slots, and so a limit for how many there are at a time.
package main
