package executor

import (
	"runtime"

	"github.com/framearena/framearena/internal/interleave"
)

// A worker that finds no task in its own queues is searching: it looks into the queues of all
// others. If it finds nothing there either, it becomes idle: it goes onto the stack of idle
// workers and waits for a value in its channel. A goroutine that makes a task ready wakes
// one idle worker, but only if none is searching (notify). The one it wakes counts as
// searching at once. A worker that stops searching because it has found a task wakes the
// next one, if there is more. So a burst of tasks wakes as many workers as have something
// to do, one after the other, and never all at once.
//
// state has both counts in one word, so becoming idle is one addition, which moves the worker
// from one count to the other. No other goroutine sees the worker in neither count. With mu
// held,
//
//	idle workers == len(stack)
//
// # No posted task is overlooked
//
// A poster adds the task, unlocks the injection queue, which is a barrier, and loads state.
// Each change of state is a barrier too. What the poster sees there decides:
//
//   - An idle worker, and none searching: the poster wakes one.
//   - A searching worker: it has not yet taken itself off that count. If it does so to become
//     idle, it looks into all queues once more after that (hasWork, in park). If it does so
//     because it has found another task or leaves the search, and it is the last searching
//     worker, it looks too (search), and wakes the next. Both looks come after the poster's
//     load of state, and so after the task was added.
//   - Neither: all workers run tasks. Each becomes searching, which is a barrier, before it
//     can become idle, and looks into the injection queues after that.
//
// # No wake-up is lost
//
// A goroutine takes a worker off the stack with mu held, and then sends one value to its
// channel, which has room for one. A worker that wants to resume by itself has to find itself
// on the stack (remove). If it does not, somebody has taken it off and its value is on the
// way, so it waits for that. So the channel is empty whenever its worker goes onto the
// stack, and a send never waits.
//
// # Tasks in a worker's own queues may be overlooked for a moment
//
// The owner stores such a task with a store that is no barrier, and then loads state. It
// may miss a worker that becomes idle at that time: this is why a launch in a step costs no
// barrier. Three things make up for it. The owner runs the task itself, so it is never lost.
// The owner looks at state again when it takes its next task, after a barrier (notifyIfMore). And
// if it does not get that far, since it is in a long step, the monitor looks at it after a
// period. TestInterleavingsOfPoolsWithoutMonitor shows the order of operations for which the
// monitor is needed.
//
// TestInterleavingsOfPools tries all orders of these steps, for up to three workers and
// posters; TestInterleavingsOfPoolsBroken breaks each step and expects a lost task.

// idleWorkers counts the searching and the idle workers of a pool, and wakes idle ones.
// Any goroutine may use it.
type idleWorkers struct {
	// state is the number of searching workers and, in the upper half, of idle ones. It
	// changes by additions: of searching workers by any goroutine, of idle ones with mu
	// held. Any goroutine loads it. As both numbers are one word, a load never sees a
	// worker that is between the two.
	state interleave.Uint64
	_     [cacheLine - 8]byte

	mu    interleave.Mutex // guards what follows
	stack []*worker        // the idle workers; the last to become idle is woken first
	_     [cacheLine]byte
}

const (
	oneSearching = 1
	oneIdle      = 1 << 32
)

func numSearching(state uint64) uint32 { return uint32(state) }
func numIdle(state uint64) uint32      { return uint32(state >> 32) }

// shouldNotify reports whether a worker should be woken for a task that is ready: one is
// idle, and none is searching.
func (i *idleWorkers) shouldNotify() bool {
	s := i.state.Load()
	return numIdle(s) > 0 && numSearching(s) == 0
}

// notify wakes an idle worker if none is searching. A goroutine calls it after it has put a
// task where searching workers look. It holds no lock of the pool but, at most, the
// monitor's.
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

// pop takes a worker off the stack. The caller holds mu, changes state, and wakes the worker.
func (i *idleWorkers) pop() *worker {
	n := len(i.stack) - 1
	w := i.stack[n]
	i.stack[n] = nil
	i.stack = i.stack[:n]
	return w
}

// search takes a task from anywhere in the pool, and waits until there is one. It returns 0
// if the pool is closed or w is marked as blocked: its owner has to look at both. Only the
// owner calls it.
func (w *worker) search() uintptr {
	p := w.pool
	i := &p.idle
	i.state.Add(oneSearching)
	for rounds := 0; ; rounds++ {
		// A worker that counts as blocked must not become idle: see blocked.go.
		if p.closed.Load() || w.blocked.Load() {
			// A goroutine that made a task ready meanwhile may have relied on this search.
			if s := i.state.Add(^uint64(oneSearching - 1)); numSearching(s) == 0 && numIdle(s) > 0 && p.hasWork() {
				i.notify(p)
			}
			return 0
		}
		delay()
		if t := w.findTask(); t != 0 {
			// A goroutine that made a task ready meanwhile may have relied on this search.
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
			w.coro.Publish() // an idle worker keeps no free frames from the others
			rounds = searchRounds
		default:
			w.park()
			rounds = 0
		}
	}
}

// findTask takes a task from the injection queues or from another worker, beginning with a
// random one. Tasks of Pool.yielded come last: all others that are ready come before them. It
// returns 0 if it sees none. Only the owner of w calls it.
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
	w.beginQueued(w.tick.v + 1)
	return w.takeYielded()
}

// hasWork reports whether there is a task that a searching worker would find. Any goroutine
// calls it.
func (p *Pool) hasWork() bool {
	if p.injected.len() > 0 || p.overflow.len() > 0 || p.yielded.len() > 0 || p.high.tasks.len() > 0 {
		return true
	}
	for _, w := range p.workers.list() {
		if w.hasStealable() {
			return true
		}
	}
	return false
}

// park makes w, which is searching, idle until it is woken. It returns at once if there is work
// after all, or if the pool is closed. When it returns, w is searching again. Only the owner
// calls it.
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
	// A goroutine that made a task ready before the addition may have seen a searching
	// worker, and woken none.
	if p.hasWork() && i.remove(w) {
		p.monitor.watch()
		return
	}
	w.parks.store(w.parks.v + 1)
	interleave.Receive(w.wake)
}

// remove takes w off the stack and makes it searching. It returns false if another goroutine
// has taken w off, and is about to send to its channel.
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
