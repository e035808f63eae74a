package executor

import "slices"

// maxBlocked is how many workers may be replaced at a time.
const maxBlocked = 1000

// replace marks w as blocked and has another worker do its work meanwhile. It reports
// whether w was not marked before.
func (p *Pool) replace(w *worker, tick uintptr) bool {
	c := &p.workers
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
	c.unblocked--
	if c.unblocked < p.options.workers && c.blocked <= maxBlocked {
		p.startWorker()
	}
	return true
}

// unblock is called by the owner of a worker that has found its mark, and so has come
// back. If there are enough without it, it leaves: unblock reports whether it did.
func (p *Pool) unblock(w *worker) bool {
	c := &p.workers
	c.mu.Lock()
	if !w.blocked.Load() { // the monitor has seen that it came back
		c.mu.Unlock()
		return false
	}
	w.blocked.Store(false)
	c.blocked--
	if c.unblocked < p.options.workers || p.closed.Load() {
		c.unblocked++
		c.mu.Unlock()
		return false
	}
	all := slices.DeleteFunc(slices.Clone(p.workers.list()), func(v *worker) bool { return v == w })
	p.workers.all.Store(&all)
	l := &c.exited
	l.elided += w.coro.Elided()
	l.tasks += uint64(w.tick.v+1) / 2
	l.steals += uint64(w.steals.v)
	l.stolen += uint64(w.stolen.v)
	l.parks += uint64(w.parks.v)
	c.mu.Unlock()
	p.handOff(w)
	return true
}

// handOff moves all tasks from the queues of w to where every worker finds them. Anyone
// calls it.
func (p *Pool) handOff(w *worker) {
	var tasks []uintptr
	w.takeAll(func(t uintptr) { tasks = append(tasks, t) })
	if len(tasks) > 0 {
		p.injected.add(tasks)
		p.idle.notify(p)
	}
}
