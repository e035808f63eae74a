package coro

// Counts of a kind's tasks: sharded sums, and what a reader may see.
//
// A kind's counts are in shards, so that workers that count at the same time do not write to
// one cache line. The sum over all shards means something; the numbers in one shard do not,
// because a task may be counted as started in one shard and as ended in another. Any goroutine
// adds, by atomic additions, and none of the numbers ever gets smaller. Any goroutine reads.
// Nothing but these statistics depends on the numbers, so no lock orders them.
//
// A reader does not stop the writers, so its sums are not of one moment. It does keep to an
// order, in kind.stats: first the sums of what ends (ended, withdrawn, returned), then
// the sums of what begins (started, fromArena, taken). A task is added to started before its
// frame is handed to anybody, and to ended by the worker that frees the frame, or to withdrawn
// by the goroutine that could not launch it. Atomics have one order, so a reader that has seen
// the second addition of a task sees the first one too, whichever shards they are in. Therefore
//
//	ended + withdrawn <= started   and   returned <= taken
//
// in every reading, and Live and LiveBytes are never negative. Read in the other order,
// a task that begins and ends between the two sums would count as ended only.

import (
	"iter"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
)

// KindStats is what was counted of the tasks of a kind, of all executors together. Tasks
// are counted in trees that were launched with [Counted], or on an executor that counts all
// its tasks (executor.WithKindStats).
type KindStats struct {
	KindInfo

	Started uint64 // tasks whose frame was made
	Ended   uint64 // of Started: tasks whose frame is free again
	Elided  uint64 // of Started: tasks whose frame lay in their parent's

	// FromArena is how many of Started had a frame from their executor's arena.
	// The others, apart from Elided, had a frame from the tree's own allocator.
	FromArena uint64

	// Wakes is how often a task has resumed because what it waited for had happened, or after it
	// was asked to give way (see [Worker.Preempt]). The end of a context is no such reason.
	Wakes uint64

	// LiveBytes is the memory that was asked for, for the frames of live tasks, in bytes.
	// The arena rounds each frame up to its size class. Elided frames have no memory of
	// their own.
	LiveBytes uint64
}

// Live returns how many tasks have started and not ended.
func (s KindStats) Live() uint64 { return s.Started - s.Ended }

// Stats returns an iterator over the kinds of which tasks were counted, in the order
// of their definition. Any goroutine may use it. Tasks run meanwhile, so the numbers are not
// of one moment; but every task that is counted as ended is counted as started too.
func Stats() iter.Seq[KindStats] {
	return func(yield func(KindStats) bool) {
		for _, k := range kinds.snapshot() {
			if k.counts.Load() != nil && !yield(k.Stats()) {
				return
			}
		}
	}
}

// kindCounts counts the tasks of one kind. A worker always uses the same shard, which it
// shares with few other workers or none. Goroutines that have no worker use any shard.
// The slice is never changed; any goroutine uses the shards.
type kindCounts struct{ shards []countShard } // a power of two

// countShard is a part of a kind's counts; see the head of this file. Any goroutine adds to
// it and reads it.
type countShard struct {
	// What begins: added when a frame is made, and read last.

	started   atomic.Int64
	elided    atomic.Int64
	fromArena atomic.Int64
	taken     atomic.Int64 // bytes of frames made

	// What ends: added before a frame is freed, and read first.

	ended              atomic.Int64
	returned           atomic.Int64 // bytes of frames freed
	withdrawn          atomic.Int64 // of started: roots that could not be launched
	withdrawnFromArena atomic.Int64 // of fromArena: the same

	wakes atomic.Int64 // compared with none of the others

	_ [128 - 9*8]byte // workers on other threads write to the next shard
}

const maxCountShards = 64

// countStart counts the task of h, whose frame is complete except for the state. w is the
// worker whose goroutine calls, or nil.
func (h *header) countStart(w *Worker) {
	bytes, fromArena := h.memory()
	c := countsOf(h.kind.get()).shardFor(w)
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
	c := countsOf(h.kind.get()).shardFor(w)
	c.ended.Add(1)
	c.returned.Add(bytes)
	if h.env.get().profiled {
		liveFrames.remove(h, bytes)
	}
}

// countWake counts that the task of h resumes on w.
func (h *header) countWake(w *Worker) { countsOf(h.kind.get()).shardFor(w).wakes.Add(1) }

// uncount takes h off the counts: a root that was counted and could not be launched. Its frame
// is about to be freed.
func (h *header) uncount() {
	bytes, fromArena := h.memory()
	c := countsOf(h.kind.get()).shardFor(nil)
	c.withdrawn.Add(1)
	c.returned.Add(bytes)
	if fromArena {
		c.withdrawnFromArena.Add(1)
	}
	if h.env.get().profiled {
		liveFrames.remove(h, bytes)
	}
}

// countsOf returns k's counts. The first call makes them: of several first calls at once,
// one wins the compare-and-swap from nil. The pointer is never changed again.
func countsOf(k *kind) *kindCounts {
	if c := k.counts.Load(); c != nil {
		return c
	}
	n := min(maxCountShards, 1<<bits.Len(uint(runtime.GOMAXPROCS(0)-1)))
	k.counts.CompareAndSwap(nil, &kindCounts{shards: make([]countShard, n)})
	return k.counts.Load()
}

// shardFor returns the shard for a call on w's goroutine, or on any goroutine if w is nil.
func (c *kindCounts) shardFor(w *Worker) *countShard {
	var n uint32
	if w != nil {
		n = w.shardNumber()
	} else {
		n = rand.Uint32()
	}
	return &c.shards[n&uint32(len(c.shards)-1)]
}

// lastShard is the number of the last worker that got one. A worker's goroutine adds 1 when it
// counts its first task, and the sum is the worker's number; nothing else reads it.
var lastShard atomic.Uint32

// shardNumber returns the number of w, which w's goroutine calls it for. The first call
// chooses the number.
func (w *Worker) shardNumber() uint32 {
	if w.shard == 0 {
		w.shard = lastShard.Add(1) | 1<<31 // never 0
	}
	return w.shard
}

// memory returns how many bytes were asked for, for the frame h alone, and whether
// they came from the executor's arena. Its cases are those of Worker.free.
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

// Stats returns what was counted of the kind's tasks. Any goroutine may call it. It sums up the
// shards in the order that the head of this file explains.
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
		s.Wakes += uint64(c.shards[i].wakes.Load())
		started -= c.shards[i].withdrawn.Load()
		fromArena -= c.shards[i].withdrawnFromArena.Load()
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
