// Package tasks has the disciplines of concurrent activities: tasks, goroutines and packages
// that manage goroutines. The programs that stand in tests too are in internal/workloads of the
// library's module.
package tasks

import (
	"context"
	"runtime"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

const group = "Tasks"

type none = struct{}

// Disciplines returns all disciplines of tasks.
func Disciplines() []contest.Discipline {
	return []contest.Discipline{
		spawning(), forking(), skynet(), pingPong(), wakes(false), wakes(true), channels(), fanning(), mutexes(), sleepers(), timeouts(), generators(),
	}
}

// closer is an executor.
type closer interface {
	coro.Executor
	Close() error
}

// on returns a function that opens an executor for a program of any size n.
func on(open func() closer, program func(ex coro.Executor, n int) error) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		ex := open()
		return contest.Runner{Do: func(n int) error { return program(ex, n) }, Close: ex.Close}, nil
	}
}

func inline() closer { return executor.NewInline() }
func pool() closer   { return executor.NewPool() }
func pool1() closer  { return executor.NewPool(executor.WithWorkers(1)) }

// procs returns how many goroutines the packages may use, if they have such a limit: as many
// as a Pool has workers.
func procs() int { return runtime.GOMAXPROCS(0) }

// compiled returns a program that runs a call of a function in plain Go, of size n. check checks its
// result.
func compiled[R any](call func(n int) task.Call[R], check func(r R, n int) error) func(ex coro.Executor, n int) error {
	return func(ex coro.Executor, n int) error {
		r, err := task.Run(context.Background(), ex, call(n), task.RequireCompiled())
		if err != nil {
			return err
		}
		return check(r, n)
	}
}

// run runs the root task of a program.
func run[R any](ex coro.Executor, root coro.Call[R]) (R, error) {
	return coro.Run(context.Background(), ex, root)
}

// row returns a contestant in Go. Its figures are for one of the parts of its operation.
func row(name string, role contest.Role, parts int, open func() (contest.Runner, error), note string) contest.Contestant {
	return contest.Contestant{Name: name, Lang: "Go", Role: role, Note: note, Sample: contest.Timed(parts, open)}
}

func below(n int) uint64 { return uint64(n) * uint64(n-1) / 2 }
