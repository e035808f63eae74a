package executor

import (
	"slices"

	"github.com/framearena/framearena/internal/interleave"
)

// workerSet is the workers of a pool, and the totals of those that have exited. Any goroutine
// may load the list; all else is for the holder of mu.
type workerSet struct {
	// all is replaced as a whole, by the holder of mu, and its slice is never changed. Any
	// goroutine loads it. A goroutine with an old list misses a new worker, whose tasks
	// the monitor looks after, or finds one that has exited, whose queues are empty.
	// TestPoolBlockedWorkers and TestPoolTakesFromAStuckWorker run such cases.
	all interleave.Pointer[[]*worker]

	mu interleave.Mutex // guards what follows; after monitor.mu

	ids       uint64 // workers started so far
	unblocked int    // workers that are not blocked
	blocked   int    // workers that are

	// exited is what the workers did that have exited.
	exited struct {
		elided, tasks, steals, stolen, parks uint64
	}
	blocks uint64 // how often a worker was marked as blocked
}

// list returns the workers. The caller must not change the slice.
func (s *workerSet) list() []*worker { return *s.all.Load() }

// startWorkers starts the first workers. If the monitor's timer has gone off before, the monitor
// has found that no worker is busy and has gone to sleep: so watch comes after the workers.
func (p *Pool) startWorkers() {
	p.workers.mu.Lock()
	for range p.options.workers {
		p.startWorker()
	}
	p.workers.mu.Unlock()
	p.monitor.watch()
}

// startWorker adds a worker and starts its goroutine. The caller holds workers.mu, and the pool
// is not closed.
func (p *Pool) startWorker() {
	c := &p.workers
	c.ids++
	c.unblocked++
	w := newWorker(p, c.ids)
	all := append(slices.Clone(p.workers.list()), w)
	p.workers.all.Store(&all)
	p.running.Add(1)
	go w.start()
}
