package coro

// LimitOrigins lets at most n further origins be made, until undo is called.
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

// LiveProfiled returns how many live frames are in the tables of profiles.
func LiveProfiled() (n int) {
	for i := range liveFrames.shards {
		s := &liveFrames.shards[i]
		s.mu.Lock()
		n += len(s.live)
		s.mu.Unlock()
	}
	return n
}
