package chain

import (
	"context"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// closer is an executor.
type closer interface {
	coro.Executor
	Close() error
}

// tasks returns a function that opens the chain as tasks on an executor, with options for the
// launch.
func tasks(root *coro.Kind[workloads.Repeat, struct{}], open func() closer, opts ...coro.LaunchOption) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		ex := open()
		done := make(chan error, 1)
		opts := append(opts, coro.OnError(func(err error) { done <- err }), coro.OnResult(func(struct{}) { done <- nil }))
		launch := coro.RunAsync(ex, opts...)
		return contest.Runner{
			Do: counted(func(iterations int) error {
				if err := launch(root.With(workloads.Repeat{Left: iterations})); err != nil {
					return err
				}
				return <-done
			}),
			Close: ex.Close,
		}, nil
	}
}

func inline() closer { return executor.NewInline() }
func pool() closer   { return executor.NewPool() }

// compiled opens the chain in plain Go, on an Inline. The leaves yield whose number every divides.
func compiled(every int) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		ex := executor.NewInline()
		return contest.Runner{
			Do: counted(func(iterations int) error {
				_, err := task.Run(context.Background(), ex, task.Do2(plain.Chain, iterations, every), task.RequireCompiled())
				return err
			}),
			Close: ex.Close,
		}, nil
	}
}

// byHand is compiled for the chain in steps written by hand.
func byHand(every int) func() (contest.Runner, error) {
	return func() (contest.Runner, error) {
		ex := executor.NewInline()
		return contest.Runner{
			Do: counted(func(iterations int) error {
				_, err := coro.Run(context.Background(), ex, workloads.YieldingChain.With(workloads.YieldingRepeat{Left: iterations, Every: every}))
				return err
			}),
			Close: ex.Close,
		}, nil
	}
}

// inArena opens the chain with frames from an arena that any goroutine may use.
func inArena() (contest.Runner, error) {
	a, err := arena.New()
	if err != nil {
		return contest.Runner{}, err
	}
	r, err := tasks(workloads.Chain, func() closer { return executor.NewInline(executor.WithArena(a)) }, coro.Allocator(a))()
	closeExecutor := r.Close
	r.Close = func() error {
		if err := closeExecutor(); err != nil {
			return err
		}
		return a.Close()
	}
	return r, err
}

// onHeap opens the chain with frames from the Go heap.
func onHeap() (contest.Runner, error) {
	return tasks(workloads.Chain, inline, coro.Allocator(new(arena.Heap)))()
}

// elided opens the chain with a root frame that has room for all children.
func elided() (contest.Runner, error) {
	return tasks(workloads.ElidedChain, inline, coro.RootFrameSize(workloads.ElidedChainSize()))()
}
