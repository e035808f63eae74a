package executor

import "slices"

// A worker that has been in one step for longer than the limit is blocked. The monitor marks it
// (replace), starts another worker in its place, and moves its tasks to the injection queue
// (handOff). When the step has ended, the owner finds the mark before its next task
// (unblock): it resumes if there are too few workers without it, and exits otherwise. With
// workerSet.mu held,
//
//	len(all workers) == unblocked + blocked
//	blocked          == workers whose mark is set
//
// # No idle worker counts as blocked
//
// The monitor may set the mark just as the step ends. Then the owner must see the mark before
// it becomes idle, or the monitor must take the mark back.
//
// The monitor loads tick, sets the mark, and loads tick again. The owner counts tick, makes an
// addition to idleWorkers.state, which is a barrier, and then loads the mark (search). If the
// monitor's second load finds the old tick, it comes before the owner's addition, since the
// new tick is visible to all after that; so the mark was set before the owner loads it, and
// the owner sees it. Otherwise the monitor sees the new tick, and takes the mark back.
//
// The owner that sees the mark calls unblock, which takes workerSet.mu. If the monitor has
// taken the mark back meanwhile, unblock finds it cleared and the owner resumes.
//
// TestInterleavingsOfPools has a model of this; TestInterleavingsOfPoolsBroken has the owner
// overlook the mark.
//
// # The monitor may be wrong
//
// The step may end at any time after the mark was set. Then the new worker is one too many, and
// the owner of the old one exits. No task depends on whether the monitor is right: the
// queues of a worker can be emptied by others at any time, also while its owner runs tasks.
//
// # A worker that exits
//
// It takes itself off the list, and moves what is in its queues to the injection queue. If it
// was searching, other goroutines may have relied on that and woken no worker: search wakes
// one, if there is work, before it returns. The worker is on no stack and searches no more, so
// no wake-up can be sent to it. A thief with an old list finds its queues empty.

// maxBlocked is how many blocked workers are replaced at a time.
const maxBlocked = 1000

// replace marks w as blocked, if it is still running the task of this tick, and starts another
// worker if there are too few without w. It reports whether w has got the mark now. Only the
// monitor calls it, with its mu held.
func (p *Pool) replace(w *worker, tick uintptr) bool {
	c := &p.workers
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.closed.Load() || w.blocked.Load() || w.tick.load() != tick {
		return false
	}
	w.blocked.Store(true)
	if w.tick.load() != tick {
		// The step has ended, and the owner may become idle without having seen the mark.
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

// unblock clears the mark of w, and reports whether its owner has to exit since there are
// enough workers without it. Only the owner of w calls it, when it has seen the mark.
func (p *Pool) unblock(w *worker) bool {
	c := &p.workers
	c.mu.Lock()
	if !w.blocked.Load() { // replace has taken it back
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

// handOff moves all tasks from the queues of w to the injection queue, where every worker finds
// them. Any goroutine calls it.
func (p *Pool) handOff(w *worker) {
	var tasks []uintptr
	w.takeAll(func(t uintptr) { tasks = append(tasks, t) })
	if len(tasks) > 0 {
		p.injected.add(tasks)
		p.idle.notify(p)
	}
}
