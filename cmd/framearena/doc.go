// Framearena is a tour of the library in about a minute: it measures what tasks on recycled
// arena frames cost, and compares them with the alternatives.
//
//	go run ./cmd/framearena
//
// The first part runs a chain of tasks that await each other, 4 deep. Its frames come from
// an executor's own cache, from a shared arena, from an arena with a counter in front of it,
// from a sync.Pool and from the Go heap; the last run has a goroutine and a channel in place
// of each frame. The second part suspends a million tasks and parks a million goroutines,
// each of the two in a process of its own, and then has roots wait for each form of launch and of
// wait.
//
// The command checks every run: each leaf of the chain was reached, each suspended activity
// resumed with its state intact, and no frame is still live. If a check fails, the command
// names it and prints no figures for that part.
//
// Subcommands run one part of the tour, or do something else: framearena help lists them.
// With --json, which may be written -json, each prints one JSON document.
//
// Progress goes to standard error, results to standard output. docs/command.md describes
// every flag, field and exit status.
//
// The files, in the order in which to read them: main.go is the process and its exit status;
// root_command.go and *_command.go are the command line; streams.go writes the results;
// tour.go is the tour, chain*.go its first part, activities.go, suspended_tasks.go,
// parked_goroutines.go, waiting.go and child*.go its second, report.go its tables;
// programs_command.go compares programs, in children too; replay*.go and map*.go are these
// subcommands, which play traces with internal/testkit/replay and draw with internal/slabmap.
package main
