package coro

// LimitOrigins makes profiles know at most n origins more than they know already, until
// the returned function is called.
func LimitOrigins(n int) (undo func()) {
	origins.mu.Lock()
	defer origins.mu.Unlock()
	before := maxOrigins
	maxOrigins = origins.count + n
	return func() {
		origins.mu.Lock()
		defer origins.mu.Unlock()
		maxOrigins = before
	}
}

// LiveProfiled returns how many live frames profiles know.
func LiveProfiled() (n int) {
	for i := range liveFrames.shards {
		s := &liveFrames.shards[i]
		s.mu.Lock()
		n += len(s.live)
		s.mu.Unlock()
	}
	return n
}
