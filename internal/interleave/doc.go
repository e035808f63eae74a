// Package interleave runs the real lock-free code of the module in every order in which the
// operations of a few goroutines can happen.
//
// Code that is to be explored uses the types of this package in place of those of sync and
// sync/atomic. In builds without the tag framearena_explore they are the same types, by alias,
// and the functions are one-liners that the compiler inlines: nothing is different and
// nothing costs anything. With the tag, each operation is a scheduling point: there, and only
// there, another thread may run.
//
// # What is explored
//
// A model is a small closed program: a function that makes what the threads share, and adds
// the threads to a [Run]. [Check] runs the model again and again, one thread at a time, and
// takes another way at a scheduling point each time, until no way is left. This is stateless
// model checking, as VeriSoft (Godefroid), CHESS, loom and dscheck do it.
//
// Two operations commute if they are on different addresses or if both only read. Their
// two orders need not both be tried. Which orders have to be tried is found while running, by
// dynamic partial-order reduction (Flanagan and Godefroid, 2005) with sleep sets. So each
// execution stands for all that differ from it only in the order of operations that commute,
// and the number of executions is that of the orders that can make a difference.
//
// All goroutines agree on the order of Go's atomic operations, so running one thread at a
// time leaves nothing out. The module has one exception: a store that only releases, see
// StoreRelease. Such a store waits in a buffer of its thread, where only that thread sees it.
// The explorer makes it visible at any moment up to the thread's next operation that is a
// barrier. That is the memory of amd64.
//
// Variables of the model itself must be of this package's types too, if it matters when a
// thread reads them.
//
// The explorer understands mutexes and channels: it does not run a thread that has to wait. If
// no thread can run and some have not ended, a wake-up was lost. That is a failure, unless the
// model says what is right then ([Run.AtRest]).
//
// A failure is shown as the list of operations that led to it. The explorer is deterministic,
// so running the test again shows it again.
//
// # What is not explored
//
//   - Plain memory. The race detector is for what is not atomic. But two threads that use
//     StoreRelease on the same word must be ordered by something else: otherwise the explorer
//     reports a failure.
//   - The Go scheduler: a goroutine that never gets to run.
//   - More threads or operations than a model has.
//
// # Faults
//
// [Break] runs the same code with one operation broken: a compare-and-swap that is a load and
// a store, a lock that does not lock, a load that sees nothing. A model that does not fail then
// does not check what it claims to. [Mutate] tries all such faults.
//
// The files, in the order in which they are read: op.go and site.go, what an operation is
// and where in the code; on.go, the types (off.go has them without the tag); run.go, one
// execution; explore.go, all of them; check.go, what tests call; fault.go, broken operations.
package interleave
