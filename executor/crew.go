package executor

import (
	"slices"

	"github.com/framearena/framearena/internal/interleave"
)

// crew is how many workers a pool has, and what became of those that left.
type workerCensus struct {
	mu interleave.Mutex // guards what follows

	ids     uint64 // of workers hired so far
	able    int    // workers that are not blocked
	blocked int    // workers that are

	// left is what workers did that are no more, and what happened to all of them.
	left struct {
		elided, tasks, steals, stolen, parks uint64
	}
	blocks uint64 // how often a worker was found blocked
}

// maxBlocked is how many workers may be replaced at a time.
const maxBlocked = 1000

// hire adds a worker. The caller holds crew.mu, and the pool is not closed.
func (p *Pool) hire() {
	c := &p.census
	c.ids++
	c.able++
	w := newWorker(p, c.ids)
	all := append(slices.Clone(*p.workers.Load()), w)
	p.workers.Store(&all)
	p.running.Add(1)
	go w.work()
}

// replace marks w as blocked and has another worker do its work meanwhile. It reports
// whether w was not marked before.
func (p *Pool) replace(w *worker, tick uintptr) bool {
	c := &p.census
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.closed.Load() || w.blocked.Load() || w.tick.load() != tick {
		return false
	}
	w.blocked.Store(true)
	if w.tick.load() != tick {
		// It has come back, and may go to sleep without having seen the mark: see search.
		w.blocked.Store(false)
		return false
	}
	c.blocked++
	c.blocks++
	c.able--
	if c.able < p.options.workers && c.blocked <= maxBlocked {
		p.hire()
	}
	return true
}

// comeBack is called by the owner of a worker that has found its mark, and so has come
// back. If there are enough without it, it leaves: comeBack reports whether it did.
func (p *Pool) comeBack(w *worker) bool {
	c := &p.census
	c.mu.Lock()
	if !w.blocked.Load() { // the monitor has seen that it came back
		c.mu.Unlock()
		return false
	}
	w.blocked.Store(false)
	c.blocked--
	if c.able < p.options.workers || p.closed.Load() {
		c.able++
		c.mu.Unlock()
		return false
	}
	all := slices.DeleteFunc(slices.Clone(*p.workers.Load()), func(v *worker) bool { return v == w })
	p.workers.Store(&all)
	l := &c.left
	l.elided += w.coro.Elided()
	l.tasks += uint64(w.tick.v+1) / 2
	l.steals += uint64(w.steals.v)
	l.stolen += uint64(w.stolen.v)
	l.parks += uint64(w.parks.v)
	c.mu.Unlock()
	p.takeOver(w)
	return true
}

// takeOver moves all tasks from the queues of w to where every worker finds them. Anyone
// calls it.
func (p *Pool) takeOver(w *worker) {
	var tasks []uintptr
	w.drain(func(t uintptr) { tasks = append(tasks, t) })
	if len(tasks) > 0 {
		p.injected.add(tasks)
		p.idlers.announce(p)
	}
}
