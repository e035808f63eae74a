package coro

import "sync"

// signal lets one goroutine wait until another has called give, again and again. It is not a
// channel because a channel that was made in a synctest bubble cannot be used outside of
// it, and signals are used again, in and out of bubbles. init is called once, before any
// other method.
type signal struct {
	mu   sync.Mutex
	cond sync.Cond // its lock is mu
	set  bool      // give was called and wait has not returned since; guarded by mu
}

func (s *signal) init() { s.cond.L = &s.mu }

// give makes the call of wait return that runs, or else the next one. The signal may have
// another use before give returns: give touches nothing but mu after the waiter can have
// returned.
func (s *signal) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = true
	s.cond.Signal()
}

// wait returns when give has been called, and makes the signal ready for the next call of give.
func (s *signal) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.set {
		s.cond.Wait()
	}
	s.set = false
}
