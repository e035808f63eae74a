package main

import (
	"context"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// none is the state or the result of tasks that have none.
type none = struct{}

// contender is a row of the chain's table: a source of frames.
type contender struct {
	name  string // in JSON
	title string // in the table
	open  func() chain
}

// chain runs the chain with the frames of one contender.
type chain interface {
	// run runs the loop for some iterations, to its end.
	run(iterations int) error

	// live returns how many frames are live.
	live() int

	close() error
}

// chainContenders returns the rows of the chain's table. The first one is what others are
// compared with.
func chainContenders() []contender {
	return []contender{
		{"cache", "owner's cache", openCacheChain},
		{"elided", "the root's frame (elided)", openElidedChain},
		{"compiled", "plain Go, compiled: none", openCompiledChain},
		{"calls", "calls of Go functions: none", func() chain { return callChain{} }},
		{"arena", "shared arena", openArenaChain},
		{"counting", "counting, over the arena", openCountingChain},
		{"pool", "sync.Pool", openPoolChain},
		{"heap", "Go heap", openHeapChain},
		{"goroutine", "goroutine and channel", func() chain { return goroutineChain{} }},
	}
}

func openCacheChain() chain { return newTaskChain() }

func openElidedChain() chain {
	c := newTaskChain()
	c.loop = workloads.ElidedChain
	c.launch = coro.RunAsync(c.executor, coro.RootFrameSize(workloads.ElidedChainSize()))
	return c
}

func openArenaChain() chain {
	c := newTaskChain()
	c.takeFramesFrom(c.executor.Arena(), nil)
	return c
}

func openCountingChain() chain {
	c := newTaskChain()
	counting := arena.NewCounting(c.executor.Arena())
	c.takeFramesFrom(counting, func() int {
		s := counting.Stats()
		return int(s.Allocated - s.Deallocated)
	})
	return c
}

func openPoolChain() chain {
	c := newTaskChain()
	frames := newPooledFrames()
	c.takeFramesFrom(frames, frames.live)
	return c
}

func openHeapChain() chain {
	c := newTaskChain()
	heap := new(arena.Heap)
	c.takeFramesFrom(heap, heap.Live)
	return c
}

// taskChain is the chain as tasks.
type taskChain struct {
	executor *executor.Inline
	loop     *coro.Kind[workloads.Repeat, none]
	launch   func(coro.Launchable) error
	err      error // of the loop, if it has failed

	// liveElsewhere returns the live frames of an allocator in front of the executor's
	// arena, or in its place. It is nil if there is none.
	liveElsewhere func() int
}

// newTaskChain returns a chain with frames from the executor's own cache.
func newTaskChain() *taskChain {
	c := &taskChain{loop: workloads.Chain}
	c.executor = executor.NewInline(executor.WithErrorHandler(func(err error) { c.err = err }))
	c.launch = coro.RunAsync(c.executor)
	return c
}

func (c *taskChain) takeFramesFrom(m arena.FrameAllocator, live func() int) {
	c.launch = coro.RunAsync(c.executor, coro.Allocator(m))
	c.liveElsewhere = live
}

func (c *taskChain) run(iterations int) error {
	if err := c.launch(c.loop.With(workloads.Repeat{Left: iterations})); err != nil {
		return err
	}
	return c.err
}

func (c *taskChain) live() int {
	s := c.executor.Arena().Stats()
	n := int(s.Total.Live) + s.Large
	if c.liveElsewhere != nil {
		n = max(n, c.liveElsewhere()) // not the sum: a frame may be in both counts
	}
	return n
}

func (c *taskChain) close() error { return c.executor.Close() }

// compiledChain is the chain in plain Go, as a task.
type compiledChain struct{ executor *executor.Inline }

func openCompiledChain() chain { return compiledChain{executor.NewInline()} }

func (c compiledChain) run(iterations int) error {
	_, err := task.Run(context.Background(), c.executor, task.Do2(plain.Chain, iterations, 0), task.RequireCompiled())
	return err
}

func (c compiledChain) live() int    { return int(c.executor.Arena().Stats().Total.Live) }
func (c compiledChain) close() error { return c.executor.Close() }

// callChain is the chain as calls of functions, which cannot wait.
type callChain struct{}

func (callChain) run(iterations int) error {
	workloads.ChainOfCalls(callNow, iterations)
	return nil
}

//go:noinline
func callNow(f func()) { f() }

func (callChain) live() int    { return 0 } // there are no frames
func (callChain) close() error { return nil }

// goroutineChain is the chain with a goroutine in place of each frame, the loop's too.
type goroutineChain struct{}

func (goroutineChain) run(iterations int) error {
	workloads.AwaitGoroutine(func() { workloads.ChainOfCalls(workloads.AwaitGoroutine, iterations) })
	return nil
}

func (goroutineChain) live() int    { return 0 } // there are no frames
func (goroutineChain) close() error { return nil }
