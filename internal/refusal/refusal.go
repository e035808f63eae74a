// Package refusal lets tests refuse memory to arenas in checked mode, at any one of the
// calls that ask for it. Programs never set it, and arenas that are not checked never ask.
package refusal

import "sync/atomic"

// refuse is written by Set and read by all arenas in checked mode. Who reads it calls it,
// and needs nothing else that was written before.
var refuse atomic.Pointer[func(size uintptr) bool]

// Set makes every request for which f returns true be refused, until undo is called. f is
// called with an arena's lock held, by any goroutine.
func Set(f func(size uintptr) bool) (undo func()) {
	refuse.Store(&f)
	return func() { refuse.Store(nil) }
}

// Refused reports whether a request is to be refused.
func Refused(size uintptr) bool {
	f := refuse.Load()
	return f != nil && (*f)(size)
}
