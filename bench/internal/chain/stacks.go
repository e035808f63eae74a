package chain

import (
	"iter"
	"runtime"

	"github.com/framearena/framearena/internal/workloads"
)

// byPull runs f as the coroutine of an iter.Pull.
func byPull(f func()) {
	next, stop := iter.Pull(func(func(struct{}) bool) { f() })
	next()
	stop()
}

// byCall calls f: a function that never waits needs no stack of its own.
//
//go:noinline
func byCall(f func()) { f() }

// yieldingGoroutines is the chain with a goroutine for each task, of which the leaves yield.
func yieldingGoroutines(iterations int) error {
	leaves := uint64(0) // that have yielded, or will at once
	workloads.ChainOfCalls(func(f func()) {
		workloads.AwaitGoroutine(func() {
			f()
			if n := workloads.ChainLeaves.Load(); n != leaves {
				leaves = n
				runtime.Gosched()
			}
		})
	}, iterations)
	return nil
}
