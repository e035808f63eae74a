package chain

import "iter"

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
