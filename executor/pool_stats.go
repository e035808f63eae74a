package executor

import (
	"encoding/json"
	"time"
)

// PoolStats is what a pool and its workers have done so far. The numbers are read one
// after the other while the pool runs: they need not fit together exactly.
type PoolStats struct {
	Workers []WorkerStats // that there are now; those who left count in the sums

	Tasks    uint64 // how often a worker has begun to run a task
	Steals   uint64 // how often a worker took tasks from another one's queue
	Parks    uint64 // how often a worker had nothing to do and became idle
	Blocks   uint64 // how often a worker was in one step for longer than the limit
	Blocked  int    // workers that are so now
	Idle     int    // workers that have nothing to do now
	Injected int    // tasks in the queues that all workers share
	High     int    // urgent tasks in their queue; see [Pool.High]
	Queued   int    // tasks in all queues
}

// WorkerStats is what one worker has done so far.
type WorkerStats struct {
	Tasks   uint64        // how often it has begun to run a task
	Steals  uint64        // how often it took tasks from another worker's queue
	Stolen  uint64        // how many tasks these were
	Parks   uint64        // how often it had nothing to do and became idle
	Queued  int           // tasks in its queues
	Blocked bool          // it has been in one step for longer than the limit
	Longest time.Duration // that it ran one task without a pause, to a millisecond; 0 if no longer
}

// Stats returns what the pool has done. It takes some ten nanoseconds for each worker
// and does not disturb them.
func (p *Pool) Stats() PoolStats {
	p.monitor.mu.Lock() // before crew.mu, as in check
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
		Injected: p.injected.len() + p.overflow.len(),
	}
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

// stats is called with monitor.mu held.
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

// String returns what Stats does, as JSON. So a Pool is a variable of package expvar:
//
//	expvar.Publish("pool", pool)
func (p *Pool) String() string {
	text, err := json.Marshal(p.Stats())
	if err != nil {
		panic(err) // the type has nothing that could not be written
	}
	return string(text)
}
