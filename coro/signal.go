package coro

import "sync"

// signal lets one goroutine wait until another gives the signal. It is used again and again,
// one wait for each give, in or out of synctest bubbles. It is no channel, because a channel
// that was made in a bubble cannot be used outside of it.
type signal struct {
	mu   sync.Mutex
	cond sync.Cond
	set  bool // given and not waited for; guarded by mu
}

func (s *signal) init() { s.cond.L = &s.mu }

// give makes wait return. When give returns, the signal may have been given to another use
// already.
func (s *signal) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = true
	s.cond.Signal()
}

// wait returns once give has been called, and resets the signal.
func (s *signal) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.set {
		s.cond.Wait()
	}
	s.set = false
}
