package executor

import (
	"encoding/json"
	"time"
)

// PoolStats is what a pool and its workers have done so far. The numbers are read one after
// the other while the pool runs, so they need not fit together exactly.
type PoolStats struct {
	Workers []WorkerStats // the present ones; those that have exited count in the sums

	Tasks    uint64 // how often a worker began to run a task
	Steals   uint64 // how often a worker took tasks from another one's queue
	Parks    uint64 // how often a worker had nothing to do and became idle
	Blocks   uint64 // how often a worker was in one step for longer than the limit
	Blocked  int    // workers that are in such a step now
	Idle     int    // workers that have nothing to do now
	Injected int    // tasks in the queues that all workers share
	High     int    // urgent tasks in their queue; see [Pool.High]
	Queued   int    // tasks in all queues

	// BlockedKinds is the kinds of tasks whose steps took longer than the limit, the one that was
	// found last first: at most 16, the latest ones.
	BlockedKinds []BlockedKind

	// Busy is how long the workers were busy with tasks of each kind, the busiest kind first.
	Busy []BusyKind
}

// WorkerStats is what one worker has done so far.
type WorkerStats struct {
	Tasks   uint64        // how often it began to run a task
	Steals  uint64        // how often it took tasks from another worker's queue
	Stolen  uint64        // how many tasks it took so
	Parks   uint64        // how often it had nothing to do and became idle
	Queued  int           // tasks in its queues
	Blocked bool          // it has been in one step for longer than the limit
	Longest time.Duration // the longest time in one task without a pause, to a millisecond; 0 if that is less
}

// Stats returns what the pool has done so far. It takes two locks that the workers seldom
// take, and loads a few words of each worker. Any goroutine may call it.
func (p *Pool) Stats() PoolStats {
	p.monitor.mu.Lock() // before workers.mu, as in check
	defer p.monitor.mu.Unlock()
	c := &p.workers
	c.mu.Lock()
	defer c.mu.Unlock()
	all := p.workers.list()
	s := PoolStats{
		Workers:  make([]WorkerStats, 0, len(all)),
		Tasks:    c.exited.tasks,
		Steals:   c.exited.steals,
		Parks:    c.exited.parks,
		Blocks:   c.blocks,
		Blocked:  c.blocked,
		Idle:     int(numIdle(p.idle.state.Load())),
		Injected: p.injected.len() + p.overflow.len() + p.yielded.len(),
	}
	s.BlockedKinds, s.Busy = p.monitor.blockedKinds(), p.monitor.busyKinds()
	s.High = p.high.tasks.len()
	s.Queued = s.Injected + s.High
	for _, w := range all {
		ws := w.stats()
		s.Workers = append(s.Workers, ws)
		s.Tasks += ws.Tasks
		s.Steals += ws.Steals
		s.Parks += ws.Parks
		s.Queued += ws.Queued
	}
	return s
}

// stats returns what w has done so far. The caller holds monitor.mu.
func (w *worker) stats() WorkerStats {
	s := WorkerStats{
		Tasks:   (uint64(w.tick.load()) + 1) / 2,
		Steals:  uint64(w.steals.load()),
		Stolen:  uint64(w.stolen.load()),
		Parks:   uint64(w.parks.load()),
		Queued:  w.spawned.len() + w.runQueue.len(),
		Blocked: w.blocked.Load(),
		Longest: w.seen.longest,
	}
	if w.runNext.load() != 0 {
		s.Queued++
	}
	return s
}

// String returns the result of Stats as JSON. So a Pool is a variable of package expvar:
//
//	expvar.Publish("pool", pool)
func (p *Pool) String() string {
	text, err := json.Marshal(p.Stats())
	if err != nil {
		panic(err) // every field of the type has a JSON form
	}
	return string(text)
}
