package coro

// SkipRoots makes the counts of e's roots begin at n.
func SkipRoots(e *Environment, n uint32) {
	e.waiting.launching.state.Add(uint64(n) << gateLaunches)
	e.waiting.live.elsewhere.Add(n)
}
