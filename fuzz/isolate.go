package fuzz

import (
	"runtime/debug"
	"time"
)

// ending is how a function that isolate called has ended.
type ending struct {
	returned bool   // false if it panicked or called runtime.Goexit
	panicked any    // the value of the panic, or nil
	stack    []byte // of the panic
}

// isolate calls f on a new goroutine and waits for its end. On that goroutine a fault at any
// address is a panic, as a fault at nil is everywhere.
func isolate(f func()) ending { return <-start(f) }

// isolateFor is isolate with a time limit. If f takes longer, ok is false, and f continues
// on its goroutine.
func isolateFor(limit time.Duration, f func()) (end ending, ok bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case end = <-start(f):
		return end, true
	case <-timer.C:
		return end, false
	}
}

// start calls f on a new goroutine and returns a channel that gets one value: how f ended.
func start(f func()) <-chan ending {
	ended := make(chan ending, 1)
	go func() {
		var end ending
		defer func() {
			if end.panicked = recover(); end.panicked != nil {
				end.stack = debug.Stack()
			}
			ended <- end
		}()
		debug.SetPanicOnFault(true)
		f()
		end.returned = true
	}()
	return ended
}
