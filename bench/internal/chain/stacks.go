package chain

import "iter"

// The chain in which each function has a stack of its own, or none has.

// depths calls the functions of the chain by way of call.
func depths(call func(func()), iterations int) {
	depth4 := func() { leaves.Add(1) }
	depth3 := func() {
		for range 3 {
			call(depth4)
		}
	}
	depth2 := func() {
		for range 3 {
			call(depth3)
		}
	}
	depth1 := func() {
		for range 5 {
			call(depth2)
		}
	}
	for range iterations {
		call(depth1)
	}
}

// byGoroutine runs f on a goroutine and waits for its end.
func byGoroutine(f func()) {
	done := make(chan struct{})
	go func() {
		f()
		close(done)
	}()
	<-done
}

// byPull runs f as the coroutine of an iter.Pull.
func byPull(f func()) {
	next, stop := iter.Pull(func(func(none) bool) { f() })
	next()
	stop()
}

// byCall calls f: a function that never waits needs no more.
//
//go:noinline
func byCall(f func()) { f() }
