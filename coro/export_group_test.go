package coro

import "github.com/framearena/framearena/internal/slots"

// HasRecord reports whether g needs more than the frame has room for.
func (g *Group) HasRecord() bool { return g.loadRecord() != nil }

// Parts returns how many scopes and group records are in use, and whether all free ones are
// clean: a free one must not refer to anything. It is for tests that have closed their
// executors.
func Parts() (scopesInUse, recordsInUse int, clean bool) {
	clean = true
	look := func(s *childScope, flags uint64) {
		clean = clean && s.env == 0 && s.waiting == 0 && s.links[1] == 0 && s.state.Load()&scopeFlags == flags
	}
	all, _ := childScopes.Survey(func(s *childScope) { look(s, 0) })
	scopesInUse = all.Made - all.Free
	all, _ = nestedScopes.Survey(func(s *nestedScope) {
		if generationOf(s.state.Load()) != 0 {
			look(&s.childScope, scopeNested)
		}
		clean = clean && s.outer.get() == nil && s.in == (listed{})
	})
	scopesInUse += all.Made - all.Free
	recordsInUse = inUse(&groupRecords, func(r *groupRecord) {
		clean = clean && r.scope == nil && r.own == nil && r.refused == nil && r.err == nil && len(r.errs) == 0 && r.room == nil &&
			r.queued.Len() == 0 && r.running == 0 && r.limit == 0 && !r.decided && r.winner == 0 && r.policy == 0
		for _, err := range r.errs[:cap(r.errs)] {
			clean = clean && err == nil
		}
	})
	return scopesInUse, recordsInUse, clean
}

// inUse returns how many slots of s are in no list of free ones, and calls look for the
// others. No worker may have any.
func inUse[T any](s *slots.Of[T], look func(*T)) int {
	all, _ := s.Survey(look)
	return all.Made - all.Free
}

// SkipChildren changes g as if its task had spawned n more children, and all of them had ended.
// So a test need not spawn 2^32 children to see a count wrap.
func (g *Group) SkipChildren(n int32) {
	g.spawned += n
	g.count -= n
}
