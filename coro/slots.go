package coro

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"
)

// slots are where the held parts of one kind's tasks lie: on the Go heap, in blocks
// that are made when no slot is free, kept as long as the program runs, and reused.
// So the collector sees what is held, and the steady state allocates nothing.
//
// A free slot is in one of three places, and moves between them in batches:
//
//   - a list of each worker, touched by the worker's goroutine alone;
//   - a shard, for launches, which have no worker at hand;
//   - central, where workers leave what they have too many of or, when they go
//     idle, all they have.
//
// The number of slots is that of the tasks that once lived at the same time, plus
// what workers and shards may keep to themselves: at most 2*slotBatch each.
type slots struct {
	index    int              // of this kind in every worker's held
	newBlock func() *slotNode // returns blockLen new slots, linked

	growing sync.Mutex  // held while looking for the last free slots
	blocks  []*slotNode // all of them; guarded by growing

	mu      sync.Mutex // guards central
	central []slotList // none empty, and at most slotBatch long unless a worker's

	shards []slotShard // a power of two
}

// slotNode is what a slot begins with.
type slotNode struct {
	next *slotNode // in a slotList
}

type slotShard struct {
	mu   sync.Mutex
	free slotList
	_    [128 - 8 - unsafe.Sizeof(slotList{})]byte // shards are used by different threads
}

// workerSlots are the free slots of one kind in one worker.
type freeSlots struct {
	free slotList
	of   *slots // nil if the worker never had one
}

const (
	slotBatch   = 32
	maxBlockLen = 64
	blockBytes  = 32 << 10 // a block of maxBlockLen slots that would be larger has fewer
	maxShards   = 16

	// minLists is the least length of a worker's held: so many, and doubled, make
	// whole cache lines, which no other worker writes to.
	minLists = 8
)

// heldKinds is how many kinds have slots.
var heldKinds atomic.Int64

func (s *slots) init(newBlock func() *slotNode) {
	s.index = int(heldKinds.Add(1) - 1)
	s.newBlock = newBlock
	s.shards = make([]slotShard, min(maxShards, 1<<bits.Len(uint(runtime.NumCPU()-1))))
}

// blockLen returns how many slots of size bytes a block has.
func blockLen(size uintptr) int { return int(max(1, min(maxBlockLen, blockBytes/size))) }

// take returns a free slot. w is the worker whose goroutine calls, or nil.
func (s *slots) take(w *Worker) *slotNode {
	if w == nil {
		shard := &s.shards[int(rand.Uint32())&(len(s.shards)-1)]
		shard.mu.Lock()
		if shard.free.n > 0 {
			n := shard.free.pop()
			shard.mu.Unlock()
			return n
		}
		shard.mu.Unlock()
		// Not under the shard's lock: refill takes those of other shards.
		batch := s.refill()
		n := batch.pop()
		s.shareOut(shard, batch)
		return n
	}
	own := w.slotsOf(s)
	if own.n == 0 {
		*own = s.refill()
	}
	return own.pop()
}

// shareOut leaves a batch in a shard, or in central if others were faster.
func (s *slots) shareOut(shard *slotShard, batch slotList) {
	shard.mu.Lock()
	if shard.free.n == 0 {
		shard.free, batch = batch, slotList{}
	}
	shard.mu.Unlock()
	s.publish(batch)
}

// put takes back a slot, which holds nothing any more. w is the worker whose
// goroutine calls, or nil.
func (s *slots) put(w *Worker, n *slotNode) {
	if w == nil { // a launch that failed: rare
		s.publish(slotList{first: n, n: 1})
		return
	}
	own := w.slotsOf(s)
	own.push(n)
	if own.n == 2*slotBatch {
		s.publish(own.cut(slotBatch))
	}
}

// publish adds a list to central.
func (s *slots) publish(l slotList) {
	if l.n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Few full batches rather than many short ones.
	if last := len(s.central) - 1; last >= 0 && s.central[last].n+l.n <= slotBatch {
		s.central[last].prepend(l)
		return
	}
	s.central = append(s.central, l)
}

// batch takes a list out of central; it is empty if central is.
func (s *slots) batch() (l slotList) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.central) - 1; last >= 0 {
		l, s.central[last] = s.central[last], slotList{}
		s.central = s.central[:last]
	}
	return l
}

// refill returns at least one free slot: from central, else from a shard, else new.
func (s *slots) refill() slotList {
	if l := s.batch(); l.n > 0 {
		return l
	}
	s.growing.Lock()
	defer s.growing.Unlock()
	// Whoever waited for the lock finds what the one before has made.
	if l := s.batch(); l.n > 0 {
		return l
	}
	first := int(rand.Uint32())
	for i := range s.shards {
		if l := s.shards[(first+i)&(len(s.shards)-1)].half(); l.n > 0 {
			return l
		}
	}
	block := s.newBlock()
	s.blocks = append(s.blocks, block)
	l := slotList{first: block}
	for n := block; n != nil; n = n.next {
		l.n++
	}
	if l.n > slotBatch {
		rest := l
		l = rest.cut(slotBatch)
		s.publish(rest)
	}
	return l
}

// half takes half of the shard's slots, rounded up.
func (s *slotShard) half() slotList {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free.cut((s.free.n + 1) / 2)
}

// slotsOf returns the worker's list of free slots of s.
func (w *Worker) slotsOf(s *slots) *slotList {
	if s.index < len(w.held) && w.held[s.index].of != nil {
		return &w.held[s.index].free
	}
	if s.index >= len(w.held) {
		lists := make([]freeSlots, max(minLists, 1<<bits.Len(uint(s.index))))
		copy(lists, w.held)
		w.held = lists
	}
	w.held[s.index].of = s
	return &w.held[s.index].free
}

// publishSlots moves the worker's free slots to where others find them.
func (w *Worker) publishSlots() {
	for i := range w.held {
		if own := &w.held[i]; own.free.n > 0 {
			own.of.publish(own.free)
			own.free = slotList{}
		}
	}
}

// slotList is a list of free slots.
type slotList struct {
	first *slotNode
	n     int
}

func (l *slotList) push(n *slotNode) {
	n.next = l.first
	l.first = n
	l.n++
}

// pop takes the slot at the front. There must be one.
func (l *slotList) pop() *slotNode {
	n := l.first
	l.first = n.next
	n.next = nil
	l.n--
	return n
}

// cut takes the first n slots, of which there must be so many.
func (l *slotList) cut(n int) slotList {
	if n == 0 {
		return slotList{}
	}
	front := slotList{l.first, n}
	last := l.first
	for range n - 1 {
		last = last.next
	}
	l.first = last.next
	l.n -= n
	last.next = nil
	return front
}

// prepend puts all of front, which is not empty, before l.
func (l *slotList) prepend(front slotList) {
	last := front.first
	for last.next != nil {
		last = last.next
	}
	last.next = l.first
	l.first = front.first
	l.n += front.n
}
