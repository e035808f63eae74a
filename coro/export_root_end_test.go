package coro

// SkipRoots makes the counts of e's roots begin at n.
func SkipRoots(e *Environment, n uint32) {
	e.runtime.launching.state.Add(uint64(n) << gateLaunches)
	e.runtime.roots.elsewhere.Add(n)
}
