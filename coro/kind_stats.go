package coro

import (
	"iter"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// KindStats counts the tasks of a kind, on all executors together. Only tasks of trees that
// were launched with [Counted], or on an executor that counts all (executor.WithKindStats), are
// counted.
type KindStats struct {
	KindInfo

	Started uint64 // tasks whose frame was made
	Ended   uint64 // those of them whose frame is free again
	Elided  uint64 // of Started: those whose frame lay in the awaiting task's frame

	// FromArena is how many of Started had a frame from their executor's arena. The rest,
	// apart from Elided, had one from the tree's own allocator.
	FromArena uint64

	// LiveBytes is the memory of live tasks' frames in bytes, as it was requested: the arena
	// rounds that up to its size classes. Elided frames have no memory of their own.
	LiveBytes uint64
}

// Live returns how many tasks have started and not ended.
func (s KindStats) Live() uint64 { return s.Started - s.Ended }

// Stats returns an iterator over the kinds whose tasks were counted, in the order of their
// definition. It may be used from any goroutine. Tasks run meanwhile, so the numbers are not
// of one moment; but no task is counted as ended that is not counted as started.
func Stats() iter.Seq[KindStats] {
	return func(yield func(KindStats) bool) {
		for _, k := range kinds.snapshot() {
			if k.counts.Load() != nil && !yield(k.Stats()) {
				return
			}
		}
	}
}

// kindCounts counts the tasks of one kind. Any goroutine may use it. Each worker has a shard,
// which it shares with few other workers or none, so that counting does not make them wait for
// each other's cache lines. Launches take any shard.
type kindCounts struct{ shards []countShard } // as many as a power of two

// countShard is a part of a kind's counts: only the sums over all shards have a meaning. Any
// goroutine adds and reads. Only statistics depend on what is read, so it is enough that
// additions are atomic. A task is added to started before it is added to ended, and its bytes
// to taken before returned. So a reader that reads ended and returned of all shards first never
// sees more ended than started.
type countShard struct {
	started   atomic.Int64
	ended     atomic.Int64
	elided    atomic.Int64
	fromArena atomic.Int64
	taken     atomic.Int64 // bytes of frames made
	returned  atomic.Int64 // bytes of frames freed

	_ [128 - 6*8]byte // shards are used by different threads
}

const maxCountShards = 64

// countsOf returns k's counts. The first call makes them.
func countsOf(k *kind) *kindCounts {
	if c := k.counts.Load(); c != nil {
		return c
	}
	n := min(maxCountShards, 1<<bits.Len(uint(runtime.GOMAXPROCS(0)-1)))
	k.counts.CompareAndSwap(nil, &kindCounts{shards: make([]countShard, n)})
	return k.counts.Load()
}

// lastShard numbers the workers that count: each takes its number by an addition, so no two
// have the same until 2^31 workers have counted.
var lastShard atomic.Uint32

// shardNumber returns the number of the worker. The first call gives it one.
func (w *Worker) shardNumber() uint32 {
	if w.shard == 0 {
		w.shard = lastShard.Add(1) | 1<<31 // never 0
	}
	return w.shard
}

// countStart counts the task of h, whose frame is complete but for the state. w is the
// worker whose goroutine calls, or nil.
func (h *header) countStart(w *Worker) {
	bytes, fromArena := h.memory()
	c := countsOf(h.kind.get()).forWorker(w)
	c.started.Add(1)
	c.taken.Add(bytes)
	if fromArena {
		c.fromArena.Add(1)
	}
	if h.layout&flagElided != 0 {
		c.elided.Add(1)
	}
	if h.env.get().profiled {
		h.profileStart(bytes)
	}
}

// countEnd counts the end of the task of h, whose frame w is about to free.
func (h *header) countEnd(w *Worker) {
	bytes, _ := h.memory()
	c := countsOf(h.kind.get()).forWorker(w)
	c.ended.Add(1)
	c.returned.Add(bytes)
	if h.env.get().profiled {
		liveFrames.remove(h, bytes)
	}
}

// uncount undoes countStart for h, a root that could not be launched.
func (h *header) uncount() {
	bytes, fromArena := h.memory()
	c := countsOf(h.kind.get()).forWorker(nil)
	c.started.Add(-1)
	c.returned.Add(bytes)
	if fromArena {
		c.fromArena.Add(-1)
	}
	if h.env.get().profiled {
		liveFrames.remove(h, bytes)
	}
}

// forWorker returns the shard for a call on w's goroutine, or on any if w is nil.
func (c *kindCounts) forWorker(w *Worker) *countShard {
	var n uint32
	if w != nil {
		n = w.shardNumber()
	} else {
		n = rand.Uint32()
	}
	return &c.shards[n&uint32(len(c.shards)-1)]
}

// memory returns how many bytes were requested for the frame h alone, and whether they came
// from the executor's arena. Its cases are those of free.
func (h *header) memory() (bytes int64, fromArena bool) {
	k := h.kind.get()
	switch {
	case h.layout&flagElided != 0:
		return 0, false
	case h.layout&flagRoot != 0:
		env := h.env.get()
		return int64(env.rootFrameSize(k)), env.allocator == nil
	case h.layout&flagCustom != 0:
		return int64(k.size), false
	default:
		return int64(k.capacity), true
	}
}

// Stats returns what was counted of the kind's tasks. It may be called from any goroutine.
func (k *kind) Stats() KindStats {
	s := KindStats{KindInfo: k.Info()}
	c := k.counts.Load()
	if c == nil {
		return s
	}
	var ended, returned, started, taken, elided, fromArena int64
	for i := range c.shards {
		ended += c.shards[i].ended.Load()
		returned += c.shards[i].returned.Load()
	}
	for i := range c.shards {
		started += c.shards[i].started.Load()
		taken += c.shards[i].taken.Load()
		elided += c.shards[i].elided.Load()
		fromArena += c.shards[i].fromArena.Load()
	}
	s.Started, s.Ended = uint64(started), uint64(ended)
	s.Elided, s.FromArena = uint64(elided), uint64(fromArena)
	s.LiveBytes = uint64(taken - returned)
	return s
}
