// Package soak runs all of the library for hours and checks everything that can be checked.
//
// [Run] starts a child process that does the work. So a crash, which nothing inside of the
// process could report, is a violation like any other. The child runs rounds. The seed and the
// number of the round decide what a round does; the goroutine scheduler decides the order. A
// round has these loads, the first four at the same time:
//
//   - allocators: package fuzz tests this module's allocators, as its tests do;
//   - trees: random trees of tasks, compared with a plain recursion (internal/testkit/tasktree);
//   - waits: tasks that wait for each other in all ways, and are cancelled and closed;
//   - crowd: many waiting tasks on a pool that lives as long as the child; they are replaced
//     all the time;
//   - faults: memory that is refused, steps that panic, clocks that jump.
//
// After a round everything must be as it was before it: the frames of the crowd, the number of
// goroutines and, over many rounds, the resident memory.
//
// The first violation ends the soak. Its [Violation] has the command that repeats it.
//
// Where to read: run.go is the parent, child.go the child, and round.go a round. Each load has
// a file, and so have the resident memory (memory.go) and the watchdog.
package soak
