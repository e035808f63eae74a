// Framearena is a tour of the house in half a minute: it shows what tasks on
// recycled arena frames cost, beside what one would take otherwise.
//
//	go run ./cmd/framearena
//
// The first part runs a chain of tasks that await each other, 4 deep, with frames
// from an executor's own cache, from a shared arena, from an arena that is
// counted, from a sync.Pool and from the Go heap, and once more with a goroutine
// and a channel in place of each frame. The second part suspends a million tasks,
// and parks a million goroutines, each sort in a process of its own.
//
// Every run is checked: that each leaf of the chain was reached, that each
// suspended activity went on with its state intact, and that no frame is left
// behind. When a check fails, the command says which and prints no figures for
// that part.
//
// Subcommands make one part of the tour, or do something else: framearena help
// names them. With --json, which may be written -json, each prints one JSON
// document.
//
// Progress goes to standard error, results to standard output. docs/command.md has
// every flag, field and exit status.
//
// Where to read: main.go for the process and its exit status, root_command.go and
// *_command.go for what is asked, console.go for where the answer goes; tour.go for
// the tour, chain*.go for its first part, activities.go, suspended_tasks.go,
// parked_goroutines.go and child*.go for its second, report.go for its tables;
// replay*.go and map*.go for these subcommands, which play traces with
// internal/replay and draw with internal/slabmap.
package main
