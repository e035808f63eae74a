// Package refusal lets tests refuse requests for memory to arenas in checked mode. Programs
// never call Set, and arenas that are not checked never call Refused.
package refusal

import "sync/atomic"

// refuse is the function of the last Set, or nil. Set and undo write it; Refused reads it on
// any goroutine. The atomic pointer is enough: a reader calls the function, whose variables
// were written before the store.
var refuse atomic.Pointer[func(size uintptr) bool]

// Set makes arenas in checked mode refuse every request for which f returns true, until undo
// is called. A second Set replaces f. Any goroutine may call f, with an arena's lock held, so
// f must not use the arena. size is in bytes.
func Set(f func(size uintptr) bool) (undo func()) {
	refuse.Store(&f)
	return func() { refuse.Store(nil) }
}

// Refused reports whether an arena must refuse a request of size bytes. Any goroutine may
// call it.
func Refused(size uintptr) bool {
	f := refuse.Load()
	return f != nil && (*f)(size)
}
