package executor

import (
	"runtime"

	"github.com/framearena/framearena/internal/interleave"
)

// idleWorkers are the workers that have nothing to run, and how they are woken.
//
// A worker that finds nothing in its own queues is searching: it looks into those of all
// others. If that finds nothing it is idle, until somebody takes it from the stack
// and wakes it; then it is searching again. Whoever makes a task ready wakes one
// only if none is searching, and one that stops searching because it has found
// something wakes the next one if there is more. So a burst of tasks wakes as many
// workers as have something to do, one after the other.
type idleWorkers struct {
	// state is how many workers are searching and, in the upper half, how many are
	// idle. Anyone adds to the number of searching ones, and changes the number of
	// idle ones with mu held. It is read by anyone.
	state interleave.Uint64
	_     [cacheLine - 8]byte

	mu    interleave.Mutex // guards what follows
	stack []*worker        // the idle ones; the one that was last woken is woken first
	_     [cacheLine]byte
}

const (
	oneSearching = 1
	oneIdle      = 1 << 32
)

func numSearching(state uint64) uint32 { return uint32(state) }
func numIdle(state uint64) uint32      { return uint32(state >> 32) }

// shouldNotify reports whether a worker should be woken for a task that is ready.
func (i *idleWorkers) shouldNotify() bool {
	s := i.state.Load()
	return numIdle(s) > 0 && numSearching(s) == 0
}

// notify wakes a worker if one is idle and none is searching. It is called after a
// task was put where searching workers look.
func (i *idleWorkers) notify(p *Pool) {
	if !i.shouldNotify() {
		return
	}
	i.mu.Lock()
	if !i.shouldNotify() {
		i.mu.Unlock()
		return
	}
	w := i.pop()
	i.state.Add(^uint64(oneIdle - oneSearching - 1))
	i.mu.Unlock()
	delay()
	interleave.Send(w.wake, struct{}{})
	p.monitor.watch()
}

// pop takes a worker from the stack. The caller holds mu.
func (i *idleWorkers) pop() *worker {
	n := len(i.stack) - 1
	w := i.stack[n]
	i.stack[n] = nil
	i.stack = i.stack[:n]
	return w
}

// search takes a task from wherever there is one, and waits until there is one. It
// returns 0 if the pool is closed, or if w should look why it does not run.
func (w *worker) search() uintptr {
	p := w.pool
	i := &p.idle
	i.state.Add(oneSearching)
	for rounds := 0; ; rounds++ {
		// A worker that counts as blocked must not go to sleep. Its last tick is visible by
		// now, so if the mark is not, replace sees the tick after it has set the mark.
		if p.closed.Load() || w.blocked.Load() {
			// Who made something ready meanwhile has relied on this search.
			if s := i.state.Add(^uint64(oneSearching - 1)); numSearching(s) == 0 && numIdle(s) > 0 && p.hasWork() {
				i.notify(p)
			}
			return 0
		}
		delay()
		if t := w.findTask(); t != 0 {
			// Who made something ready meanwhile has relied on this search.
			if s := i.state.Add(^uint64(oneSearching - 1)); numSearching(s) == 0 && numIdle(s) > 0 &&
				(w.runQueue.len() > 0 || w.spawned.len() > 0 || p.hasWork()) {
				i.notify(p)
			}
			return t
		}
		switch {
		case rounds < searchRounds && numSearching(i.state.Load()) == 1:
			runtime.Gosched()
		case rounds <= searchRounds:
			w.coro.Publish() // an idle worker keeps no frames from the others
			rounds = searchRounds
		default:
			w.park()
			rounds = 0
		}
	}
}

// findTask takes a task from the injected ones or from another worker, or returns 0.
func (w *worker) findTask() uintptr {
	if t := w.pick(); t != 0 {
		return t
	}
	all := w.pool.workers.list()
	n := len(all)
	for i, k := w.random(n), n; k > 0; k-- {
		if v := all[i]; v != w {
			if t := w.steal(v); t != 0 {
				return t
			}
		}
		if i++; i == n {
			i = 0
		}
	}
	return 0
}

// hasWork reports whether there is a task that a searching worker would find.
func (p *Pool) hasWork() bool {
	if p.injected.len() > 0 || p.overflow.len() > 0 || p.high.tasks.len() > 0 {
		return true
	}
	for _, w := range p.workers.list() {
		if w.hasStealable() {
			return true
		}
	}
	return false
}

// park makes w, which is searching, idle until it is woken, unless there is work after
// all. It is searching again when it returns.
func (w *worker) park() {
	p := w.pool
	i := &p.idle
	i.mu.Lock()
	if p.closed.Load() {
		i.mu.Unlock()
		return
	}
	i.stack = append(i.stack, w)
	i.state.Add(oneIdle - oneSearching)
	i.mu.Unlock()
	delay()
	// Who made something ready before this may have seen a searching worker and no
	// idle one.
	if p.hasWork() && i.remove(w) {
		p.monitor.watch()
		return
	}
	w.parks.store(w.parks.v + 1)
	interleave.Receive(w.wake)
}

// remove takes w from the stack, and makes it searching, unless somebody has done so
// and is waking it.
func (i *idleWorkers) remove(w *worker) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	for k, v := range i.stack {
		if v == w {
			i.stack = append(i.stack[:k], i.stack[k+1:]...)
			i.state.Add(^uint64(oneIdle - oneSearching - 1))
			return true
		}
	}
	return false
}

// wakeAll wakes all idle workers of a pool that is closed.
func (i *idleWorkers) wakeAll() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.stack) > 0 {
		w := i.pop()
		i.state.Add(^uint64(oneIdle - oneSearching - 1))
		interleave.Send(w.wake, struct{}{})
	}
}
