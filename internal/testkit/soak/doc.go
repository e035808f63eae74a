// Package soak runs all of the library for hours, with everything that can be checked checked.
//
// [Run] has the work done by a child process, so that a crash, which nothing inside of a
// process can report, is a violation like any other. The child runs rounds. What a round does
// is decided by the seed and the number of the round; the goroutine scheduler decides the
// rest. A round has these loads, the first four at the same time:
//
//   - allocators: package fuzz tests one of ours, as its tests do;
//   - trees: random trees of tasks, compared with a plain recursion (internal/testkit/tasktree);
//   - waits: tasks that wait for each other in all ways, and are cancelled and closed;
//   - crowd: very many waiting tasks, on a pool that lives as long as the child, of which
//     some are replaced all the time;
//   - faults: memory that is refused, steps that panic, clocks that jump.
//
// In between everything must be as it was: the crowd's frames to the last one, the number of
// goroutines and, over many rounds, the resident memory.
//
// The first violation ends the soak. Its [Violation] says what it takes to see it again.
//
// Where to read: run.go is the parent and child.go the child; round.go what a round is; the
// loads have a file each, as have resident memory and the watchdog.
package soak
