package arena

import (
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/slab"
)

// What holds in an arena.
//
// Where frames are. For each class, at rest,
//
//	carved = live + private + public + in a trim + in quarantine
//
// carved is counted by central, private is the lengths of the caches' lists, and public is
// the counts of their stacks. Arena.inTrim and Arena.quarantined are the last two; [Stats]
// adds them to the public ones. Nothing counts the live frames: they are what is left. So
// the fast paths change no counter but the length of a list. Validate checks the equation
// by walking all lists and slabs.
//
// The way of a request. Allocate looks for a frame in this order, and returns the first one
// that it finds:
//
//  1. the private list of the cache (cache.go);
//  2. a batch of the cache's own public stack (refill.go);
//  3. a batch of the shared cache, or of up to maxVictims other caches (steal.go);
//  4. new frames, carved from the current slab of the class or a new one (central.go);
//  5. after slabs with only free frames were released, the same again (reclaim.go);
//  6. a batch of any other cache;
//
// and nil otherwise. A freed frame goes to the private list. When that is full, half of it
// becomes a batch on the public stack of the same cache (publish.go).
//
// Locks. A lock further to the right may be taken while one to the left is held:
//
//	checker.mu, Arena.trimming, Arena.mu or central.mu, slab.Store's mu
//
// Only survey holds several central.mu, in the order of the classes. No lock is taken and
// nothing is allocated while a goroutine is pinned to its P (local.go).
//
// Tables that are read without a lock. Arena.caches points to a slice that the holder of
// Arena.mu replaces and never changes in place. A reader of an older slice misses caches
// that were opened since, whose frames it need not find. It also meets caches that were
// closed since: their openIn is nil, or another arena's, so that it takes nothing from them
// (steal.go). Statistics that read an older slice are a moment old.
//
// The arguments for the other atomics stand with them: bins.Stack's in bins/stack.go, the
// takers' and Close's in steal.go, the local caches' in local.go, nempties' in
// empty_batches.go, the budget's in budget.go, slabsReleased's in reclaim.go, and those of
// the counts at their declarations.

// Arena is a set of slabs and the caches that hold their free frames. All its methods may
// be called by any goroutine; Close must run alone.
type Arena struct {
	// ---- hot: read by every Allocate and Deallocate, and hardly ever written

	// local is the table of the caches behind Arena.Allocate; see local.go.
	local localCaches

	// ---- warm: read by a cache that is empty or full

	// caches are all open caches. The first is the shared one; then come the local ones and
	// the owned ones. The holder of mu replaces the slice; anyone reads it. See above.
	caches atomic.Pointer[[]*Cache]

	// shared is a cache without an owner. It has no private frames. Closed caches and trims
	// leave their frames in its public stacks. Never changes.
	shared *Cache

	// empties are batches without frames, for any goroutine that needs one. nempties is at
	// least their number: it is raised before a push and lowered after a take. See
	// empty_batches.go.
	empties  bins.Stack
	nempties atomic.Int64

	central [bins.Classes]central

	// ---- cold

	store   *slab.Store[slabDesc]
	budget  budget
	checker *checker // nil unless in checked mode
	trimmer trimmer

	// trimming is held by the goroutine that gives memory back, and by Close, Validate and
	// survey, which need all frames to be in lists.
	trimming   sync.Mutex
	backoff    reclaimBackoff // guarded by trimming
	trimMemory trimMemory     // guarded by trimming

	// slabsReleased counts the slabs that trims released. The holder of trimming writes it.
	// Goroutines that were refused memory read it; see reclaim.go.
	slabsReleased atomic.Uint64

	// refusals counts the requests that were answered with nil. Any goroutine adds; Stats
	// reads.
	refusals atomic.Uint64

	// Counts of free frames by class, which Stats reads. inTrim are the ones that a trim
	// has; the holder of trimming writes it. quarantined are the ones in quarantine; the
	// holder of the checker's mu writes it. cold are the public ones whose memory was given
	// back: the goroutine that publishes a cold batch adds, the one that takes it
	// subtracts. Each is exact at rest.
	inTrim, quarantined, cold [bins.Classes]atomic.Int64

	mu     sync.Mutex     // guards chunks, and the replacing of caches and of local's table
	chunks [][]bins.Batch // all batches: keeps them reachable until Close
	opts   options        // as given to New; never changes

	// closed says that Close has succeeded. The holder of mu writes it, once. Slow paths
	// read it without the lock. The lists of a closed arena's caches have no room, so every
	// use of it comes to a slow path. A call that runs at the same time as Close is a
	// mistake, which this check may miss.
	closed atomic.Bool
}

// New returns an arena. It takes no memory from the system before the first Allocate.
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

// Allocate returns memory for a frame of size bytes, or nil when the arena's budget is used
// up or the system refuses. A refusal allocates nothing on the Go heap. The memory is the
// caller's until Deallocate. Its contents are undefined. Sizes up to 64 KiB are rounded up to a power of two of at least 128 B, larger
// ones to whole pages. The memory is aligned to the rounded size or to 4 KiB, whichever is
// smaller.
//
// Allocate uses the free lists of the P that the goroutine runs on. It does not block as
// long as these, or another cache, have a frame of the class. It panics if the arena is
// closed.
func (a *Arena) Allocate(size uintptr) unsafe.Pointer {
	if k := bins.ClassOf(size); k < bins.Classes {
		var p unsafe.Pointer
		c := a.local.at(a.local.pin())
		if c != nil {
			p = c.lists[k].Pop()
		}
		a.local.unpin(c)
		if p != nil {
			return p
		}
	}
	return a.allocateSlow(size)
}

// Deallocate takes back a frame that this arena or one of its caches handed out, to any
// goroutine. size is the size that Allocate was called with. A nil p is ignored.
//
// Deallocate panics if the arena is closed, or if p is the frame that was freed just
// before, to the same list. [WithChecks] finds more.
func (a *Arena) Deallocate(p unsafe.Pointer, size uintptr) {
	if k := bins.ClassOf(size); k < bins.Classes && p != nil {
		ok := false
		c := a.local.at(a.local.pin())
		if c != nil {
			ok = c.lists[k].Push(p)
		}
		a.local.unpin(c)
		if ok {
			return
		}
	}
	a.deallocateSlow(p, size)
}

// allocateSlow is Allocate for the cases that the fast path leaves: no cache or an empty
// one, checked mode, sizes without a class, and a closed arena.
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

// allocateClass returns a frame of class k, or nil if there is none and none can be made.
// It is Cache.allocateClass with a local cache, which it releases before each step that may
// block or allocate.
func (a *Arena) allocateClass(k bins.Class) unsafe.Pointer {
	for waits := 0; ; waits++ {
		c := a.acquireLocal()
		p := c.refill(k)
		contended := c.contended
		a.local.unpin(c)
		if p != nil {
			return p
		}
		if contended && waits < maxWaits {
			runtime.Gosched()
			continue
		}
		seen := a.slabsReleased.Load()
		if b := a.carve(k); b != nil {
			p = b.Remove()
			c = a.acquireLocal() // it may be another cache: the goroutine was not pinned meanwhile
			c.deposit(k, b)
			a.local.unpin(c)
			return p
		}
		if !a.reclaim(seen) {
			c = a.acquireLocal()
			p = c.refillFromAny(k)
			a.local.unpin(c) // no defer: in a loop it allocates
			return p
		}
	}
}

// deallocateSlow is Deallocate for the cases that the fast path leaves.
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
		a.local.unpin(c)
		if twice {
			freedTwice(p, k)
		}
		if ok {
			return
		}
		a.addEmpties() // allocates, so it is called without a local cache
	}
}
