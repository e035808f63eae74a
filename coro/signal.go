package coro

import "sync"

// signal is what one goroutine waits for and another gives, in turn. It is used again and
// again, in or out of synctest bubbles: a channel that was made in a bubble could not be
// used outside.
type signal struct {
	mu   sync.Mutex
	cond sync.Cond
	set  bool // guarded by mu
}

func (s *signal) init() { s.cond.L = &s.mu }

// give makes wait return. The signal may have another use by the time that give returns.
func (s *signal) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = true
	s.cond.Signal()
}

// wait returns once give was called, and takes that back.
func (s *signal) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.set {
		s.cond.Wait()
	}
	s.set = false
}
