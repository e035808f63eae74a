package goroutine

import "sync"

// Elsewhere calls f on another goroutine, which f may end, and waits until that has ended. So
// the calling goroutine stands still for f, and what f must not do on the calling goroutine, it
// must not do on the other one either. [Ask] finds that out.
func Elsewhere(f func()) {
	e := &errand{questions: make(chan func()), done: make(chan struct{})}
	go func() {
		number := key()
		errands.Store(number, e)
		defer close(e.done)
		defer errands.Delete(number)
		f()
	}()
	for {
		select {
		case question := <-e.questions:
			question()
		case <-e.done:
			return
		}
	}
}

// Ask calls f, and reports whether it returned true. If the calling goroutine runs the function
// of an [Elsewhere], and f returned false, then f is also called on the goroutine that waits for
// it, and so on. The caller holds no lock that f takes.
func Ask(f func() bool) bool {
	if f() {
		return true
	}
	v, ok := errands.Load(key())
	if !ok {
		return false
	}
	answer := make(chan bool, 1)
	v.(*errand).questions <- func() { answer <- Ask(f) }
	return <-answer
}

// errand is one call of Elsewhere.
type errand struct {
	questions chan func()   // the goroutine that runs the function sends; the one that waits receives, and calls
	done      chan struct{} // closed when the function has ended
}

// errands has the *errand of each goroutine that runs the function of an Elsewhere, by its key.
var errands sync.Map

// key returns a number that no other live goroutine has.
func key() uint64 {
	if p := Pointer(); p != 0 {
		return uint64(p)
	}
	return ID()
}
