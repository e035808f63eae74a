// Package interleave runs the real lock-free code of the module in every order that a few
// goroutines can meet in.
//
// Code that is to be explored uses this package's types where it would use those of sync
// and sync/atomic. In builds without the tag framearena_explore they are the same types,
// by alias, and the functions are one-liners that are inlined: nothing is different and
// nothing costs anything. With the tag each operation is a scheduling point: there, and only
// there, another thread may go on.
//
// # What is explored
//
// A model is a small closed program: a function that makes what the threads share and
// tells the [Run] which threads there are. [Check] runs it again and again, with one thread
// running at a time, and takes another way at each scheduling point until there is no way
// left (stateless model checking, as Godefroid's VeriSoft, CHESS, loom and dscheck do it).
// Operations that commute, on different addresses or both reading, need not be tried
// in both orders: which have to be is found while running (dynamic partial-order
// reduction, Flanagan and Godefroid 2005, with sleep sets). So each execution counted
// stands for all that differ from it only in the order of operations that commute, and the
// count is not that of all interleavings but of the ways that can make a difference.
//
// The order of atomic operations in Go is one that all goroutines agree on, so running
// one thread at a time is no simplification. There is one exception in the module: a
// store that only releases, see StoreRelease. Such a store waits in its thread's buffer,
// where the thread alone sees it, until the explorer lets it become visible, at any moment up
// to the thread's next operation that is a barrier. That is the memory of amd64.
//
// What threads look at while others run must be explored too: a model's own variables, if it
// matters when a thread reads them, are of this package's types.
//
// Mutexes and channels are understood: a thread that has to wait is not run. If no thread
// can run and some have not ended, a wake-up was lost, and that is a failure unless the
// model says what is right then.
//
// A failure is shown as the list of operations that led to it. The explorer is
// deterministic, so running the test again shows it again.
//
// # What is not
//
// Plain memory: what is not atomic is for the race detector, except that two threads that
// store with StoreRelease in the same place must be ordered. The Go scheduler: a
// goroutine that never gets to run. More threads or operations than a model has.
//
// # Faults
//
// [Break] runs the same code with one operation broken: a compare-and-swap that is a load and
// a store, a lock that does not lock, a recheck that sees nothing. A model that does not
// notice does not check what it claims to; [Mutate] tries all of them.
package interleave
