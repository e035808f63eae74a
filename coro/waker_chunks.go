package coro

import (
	"math/bits"
	"math/rand/v2"
	"runtime"
	"sync/atomic"

	"github.com/framearena/framearena/internal/interleave"
)

// Where entries of Wakers come from.
//
// Chunks lie on the Go heap. A chunk is kept by its Wakers, by the registries of the tasks that
// wait for them, and, while it has free entries, by its stripe, so that they are found. When all
// entries of a chunk are free, its stripe lets go of it, unless it has few others. So what a
// burst leaves goes back to the collector.
//
// There are several stripes so that goroutines that make Wakers at the same time are not in each
// other's way: NewWaker takes one at random. A stripe has one chunk from which NewWaker takes
// entries, its current one. That is found without the stripe's lock, and looked at under the
// chunk's. Other chunks with free entries are in the stripe's list open. For each chunk:
//
//	listed = it is current, or in open
//
// If it is not listed, it has no free entry, or the goroutine that has freed one is about to list
// it, or all its entries are free and the stripe has let go of it. A goroutine that has found it while it was current may still
// take an entry of it then: when that is freed, the chunk is listed again.
//
// listed, and what is free, are guarded by the chunk's lock; current, open and the places in open
// by the stripe's mu. Both change with both locks held. Order of locks: the stripe's mu, then a
// chunk's lock. Locks of several chunks are taken by Select, without mu, in the order of their
// addresses; whoever holds mu has the lock of one chunk at a time.

// wakerChunk is entries for Wakers, and the waitable of the tasks that wait for them. Any goroutine
// may use it, under its lock. All its pointers come first, since the collector looks no further.
type wakerChunk struct {
	plainCase
	stripe *wakerStripe // not changed
	lock   lock
	cases  casePlace // of the Selects that wait for one of the Wakers

	// ---- guarded by lock

	waiting int32 // how many entries have a task
	left    int32 // how many entries are free
	usable  int32 // how many entries are free or in use: the others have had their last use
	listed  bool

	place int32 // in stripe.open, if it is there; guarded by stripe.mu

	freed   [(wakerChunkLen + 63) / 64]uint64 // the free entries, a bit each
	entries [wakerChunkLen]entry
}

// A chunk has 2 KiB, with the word that the runtime puts before it, since it has pointers.
const wakerChunkLen = 240

var _ [1<<numberShift - wakerChunkLen]struct{}

// wakerStripe is some of the chunks that have free entries. Any goroutine may use it.
type wakerStripe struct {
	// current is written with mu held, and read without: under its lock, a chunk shows itself
	// whether it has free entries.
	current atomic.Pointer[wakerChunk]

	opened atomic.Int32 // len(open), for a look without mu

	mu   interleave.Mutex
	open []*wakerChunk // guarded by mu

	_ [64]byte // different threads use stripes
}

const (
	maxWakerStripes = 64
	keptChunks      = 4 // a stripe with more chunks than that lets go of those that are all free
)

var (
	wakerStripes    [maxWakerStripes]wakerStripe
	wakerStripeMask = uint32(min(maxWakerStripes, 2<<bits.Len(uint(runtime.NumCPU()-1))) - 1)

	// exploredStripes has the one stripe of an execution of the explorer.
	exploredStripes = interleave.Pool{New: func() any { return new(wakerStripe) }}
)

// anyStripe returns a stripe for a new Waker.
func anyStripe() *wakerStripe {
	if interleave.Enabled {
		s := exploredStripes.Get().(*wakerStripe)
		exploredStripes.Put(s)
		return s
	}
	return &wakerStripes[rand.Uint32()&wakerStripeMask%maxWakerStripes]
}

// NewWaker returns a Waker for one [Suspend].
func NewWaker() Waker {
	s := anyStripe()
	for c := s.current.Load(); ; c = s.replace(c) {
		if c == nil {
			continue
		}
		c.lock.mu.Lock()
		if i := c.firstFree(); i >= 0 {
			w := Waker{c, c.entries[i].id()<<numberShift | uint64(i)}
			c.lock.mu.Unlock()
			return w
		}
		c.lock.mu.Unlock()
	}
}

// firstFree takes a free entry, and returns its place, or -1. The caller holds the lock.
func (c *wakerChunk) firstFree() int {
	for k, free := range &c.freed {
		if free != 0 {
			c.freed[k] = free & (free - 1)
			c.left--
			return k*64 + bits.TrailingZeros64(free)
		}
	}
	return -1
}

// replace makes another chunk current in place of c, which is nil or had no free entry, and returns
// the current one.
func (s *wakerStripe) replace(c *wakerChunk) *wakerChunk {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.current.Load(); now != c {
		return now // another goroutine was faster
	}
	if c != nil {
		c.lock.mu.Lock()
		if c.left > 0 { // by now
			c.lock.mu.Unlock()
			return c
		}
		c.listed = false
		c.lock.mu.Unlock()
	}
	if last := len(s.open) - 1; last >= 0 {
		c = s.open[last]
		s.removeLast()
	} else {
		c = newWakerChunk(s)
	}
	s.current.Store(c)
	return c
}

func newWakerChunk(s *wakerStripe) *wakerChunk {
	c := &wakerChunk{stripe: s, left: wakerChunkLen, usable: wakerChunkLen, listed: true}
	for i := range wakerChunkLen {
		c.freed[i/64] |= 1 << (i % 64)
	}
	return c
}

// removeLast shortens open. The caller holds mu.
func (s *wakerStripe) removeLast() {
	last := len(s.open) - 1
	s.open[last] = nil
	s.open = s.open[:last]
	s.opened.Store(int32(last))
	if cap(s.open) > 64 && last < cap(s.open)/4 {
		s.open = append([]*wakerChunk(nil), s.open...)
	}
}

// listing says what must be done with a chunk of which entries were freed. It is made under the
// chunk's lock, and applied without.
type listing struct{ hasFree, allFree bool }

// free frees the entry i, unless that has had its last use. The caller holds the lock, and applies
// the listing after it has released that.
func (c *wakerChunk) free(i int) listing {
	if c.entries[i].id() == entryLastID {
		c.usable--
	} else {
		c.freed[i/64] |= 1 << (i % 64)
		c.left++
	}
	return c.listing()
}

// listing returns what must be done with c. The caller holds the lock.
func (c *wakerChunk) listing() listing {
	return listing{hasFree: c.left > 0 && !c.listed, allFree: c.left == c.usable}
}

// apply puts c into its stripe's list, or takes it out of there, if that has to be. The caller
// holds no lock.
func (l listing) apply(c *wakerChunk) {
	if l.hasFree || l.allFree && c.stripe.opened.Load() > keptChunks {
		c.relist()
	}
}

// relist does what apply says, unless it has been done since.
func (c *wakerChunk) relist() {
	s := c.stripe
	s.mu.Lock()
	defer s.mu.Unlock()
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	switch l := c.listing(); {
	case l.hasFree && l.allFree && len(s.open) >= keptChunks: // the collector gets it
	case l.hasFree:
		c.listed = true
		c.place = int32(len(s.open))
		s.open = append(s.open, c)
		s.opened.Store(int32(len(s.open)))
	case l.allFree && c.listed && len(s.open) > keptChunks && c != s.current.Load():
		c.listed = false
		moved := s.open[len(s.open)-1]
		moved.place = c.place
		s.open[c.place] = moved
		s.removeLast()
	}
}
