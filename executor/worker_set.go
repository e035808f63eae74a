package executor

import (
	"slices"

	"github.com/framearena/framearena/internal/interleave"
)

// workerSet is the workers of a pool, and the totals of those that have exited.
type workerSet struct {
	// all is never changed in place, but replaced with mu held.
	all interleave.Pointer[[]*worker]

	mu interleave.Mutex // guards what follows

	ids       uint64 // of workers hired so far
	unblocked int    // workers that are not blocked
	blocked   int    // workers that are

	// left is what workers did that are no more, and what happened to all of them.
	exited struct {
		elided, tasks, steals, stolen, parks uint64
	}
	blocks uint64 // how often a worker was found blocked
}

// list returns the workers.
func (s *workerSet) list() []*worker { return *s.all.Load() }

// startWorker adds a worker. The caller holds crew.mu, and the pool is not closed.
func (p *Pool) startWorker() {
	c := &p.workers
	c.ids++
	c.unblocked++
	w := newWorker(p, c.ids)
	all := append(slices.Clone(p.workers.list()), w)
	p.workers.all.Store(&all)
	p.running.Add(1)
	go w.work()
}
