package arena

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/slab"
)

// Arena is a set of slabs and the caches that hold their free frames. All its
// methods may be called by any goroutine.
type Arena struct {
	// ---- hot: read by every Allocate and Deallocate, written next to never

	// local is the table of the caches behind Arena.Allocate; see local.go.
	local localCaches

	// ---- warm: read by a cache that ran dry or is full

	// caches are all open caches: the local ones, the owned ones and, first, the
	// shared one, which nobody owns and which takes what closed caches leave
	// behind. The slice is never changed in place: whoever holds mu replaces it,
	// and a reader that still has the old one may look into the public stacks of
	// a closed cache, which are empty.
	caches atomic.Pointer[[]*Cache]
	shared *Cache

	// empties are batches without frames, for whoever needs one. nempties is their
	// number or, while one is being pushed or taken, more: it is raised before and
	// lowered afterwards. Who finds the stack empty, because a taker has all of it
	// for a moment, sees there that it need not make more.
	empties  bins.Stack
	nempties atomic.Int64

	central [bins.Classes]central

	// ---- cold

	store   *slab.Store[slabDesc]
	budget  budget
	checker *checker // nil unless in checked mode
	trimmer trimmer

	// trimming is held by who gives memory back. It comes before mu and after the
	// checker's mu.
	trimming       sync.Mutex
	fruitless      uintptr   // publicBytes when reclaim last found nothing; guarded by trimming
	noSearchBefore time.Time // when reclaim may search again; guarded by trimming

	// slabsReleased counts what trims released: written by the holder of trimming,
	// read by who was refused memory, to see whether trying again makes sense.
	slabsReleased atomic.Uint64

	// refusals counts requests answered with nil, for statistics.
	refusals atomic.Uint64

	// Free frames by class that are in no list: in a trim's hands, written by the
	// holder of trimming alone, and in quarantine, written by the holder of the
	// checker's mu. cold are the public ones without memory, changed by who
	// publishes or takes a cold batch. All are read for statistics.
	inHand, quarantined, cold [bins.Classes]atomic.Int64

	mu     sync.Mutex     // guards what follows, and the replacing of tables
	closed bool           // Close has succeeded
	chunks [][]bins.Batch // keeps every batch reachable
	opts   options        // as given to New
	gone   atomic.Bool    // closed, for slow paths that do not hold mu
}

// New returns an arena. It reserves no memory before the first Allocate.
//
// The error wraps [ErrInvalidOption] and names the option that is invalid.
func New(opts ...Option) (*Arena, error) {
	a := new(Arena)
	if err := a.opts.applyAll(opts); err != nil {
		return nil, err
	}
	a.store = slab.NewStore[slabDesc](a.opts.slab)
	a.budget.limit = a.opts.maxBytes
	a.shared = newCache(a)
	a.caches.Store(&[]*Cache{a.shared})
	a.local.init()
	if a.opts.checked || framecheck.Enabled {
		a.checker = newChecker(a, a.opts.quarantine)
	}
	a.trimmer = trimmer{every: a.opts.trimEvery, keep: a.opts.trimKeep}
	a.trimmer.start(a)
	return a, nil
}

// Allocate returns memory for a frame of size bytes, or nil when the arena's
// budget is used up or the system refuses. The memory is aligned to the size's
// class or to 4 KiB, whichever is smaller; its contents are undefined. Sizes up
// to 64 KiB are rounded up to a power of two of at least 128 B, larger ones to
// whole pages.
//
// It uses the free lists of the P that the goroutine runs on, and does not
// block as long as these or another cache have a frame of the class.
//
// Allocate panics if the arena is closed.
func (a *Arena) Allocate(size uintptr) unsafe.Pointer {
	if k := bins.ClassOf(size); k < bins.Classes {
		var p unsafe.Pointer
		c := a.local.at(a.local.place())
		if c != nil {
			p = c.lists[k].Pop()
		}
		a.local.release(c)
		if p != nil {
			return p
		}
	}
	return a.allocateSlow(size)
}

// Deallocate takes back a frame that this arena or one of its caches handed
// out, on whatever goroutine. size is the size that was asked for. A nil p is
// ignored.
//
// Deallocate panics if the arena is closed, or p is the frame that was freed just
// before. [WithChecks] finds more.
func (a *Arena) Deallocate(p unsafe.Pointer, size uintptr) {
	if k := bins.ClassOf(size); k < bins.Classes && p != nil {
		ok := false
		c := a.local.at(a.local.place())
		if c != nil {
			ok = c.lists[k].Push(p)
		}
		a.local.release(c)
		if ok {
			return
		}
	}
	a.deallocateSlow(p, size)
}

func (a *Arena) allocateSlow(size uintptr) unsafe.Pointer {
	a.mustBeOpen("Allocate")
	var p unsafe.Pointer
	if k := bins.ClassOf(max(size, 1)); a.checker != nil {
		p = a.checker.allocate(size)
	} else if k < bins.Classes {
		p = a.allocateClass(k)
	} else {
		p = a.allocateLarge(size)
	}
	if p == nil {
		a.refusals.Add(1)
	}
	return p
}

// allocateClass returns a frame of class k from wherever there is one, or nil.
func (a *Arena) allocateClass(k bins.Class) unsafe.Pointer {
	for waits := 0; ; waits++ {
		c := a.acquireLocal()
		p := c.refill(k)
		missed := c.missed
		a.local.release(c)
		if p != nil {
			return p
		}
		if missed && waits < maxWaits {
			runtime.Gosched()
			continue
		}
		seen := a.slabsReleased.Load()
		if b := a.carve(k); b != nil {
			p = b.Remove()
			c = a.acquireLocal() // perhaps another one: carving may block
			c.deposit(k, b)
			a.local.release(c)
			return p
		}
		if !a.reclaim(seen) {
			c = a.acquireLocal()
			defer a.local.release(c)
			return c.refillFromAny(k)
		}
	}
}

func (a *Arena) deallocateSlow(p unsafe.Pointer, size uintptr) {
	a.mustBeOpen("Deallocate")
	if p == nil {
		return
	}
	if a.checker != nil {
		a.checker.deallocate(p, size)
		return
	}
	k := bins.ClassOf(max(size, 1))
	if k >= bins.Classes {
		a.deallocateLarge(p, size)
		return
	}
	for {
		c := a.acquireLocal()
		twice := c.lists[k].Top() == p
		ok := !twice && (c.lists[k].Push(p) || c.publishHalf(k) && c.lists[k].Push(p))
		a.local.release(c)
		if twice {
			freedTwice(p, k)
		}
		if ok {
			return
		}
		a.addEmpties() // allocates, which must not happen while a P is pinned
	}
}
