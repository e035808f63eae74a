package coro

// The end of a root, and how many roots are live.
//
// Environment.Live and Environment.Drain need the number of live roots of an executor. One
// counter would be a cache line that all workers write to. So the number is a difference of
// sums, and most of their terms are counted by one worker alone, without a barrier:
//
//	live     = launched - ended
//	launched = launches of the gate execRuntime.launching + Σ Worker.launched
//	ended    = rootCounts.elsewhere + Σ Worker.ended
//
// The sums are over rootCounts.workers, the workers whose home the runtime is. A worker that is
// closed leaves the sum, and its ended - launched is added to elsewhere, so live stays the
// same. Its counts do not change any more, so it does not matter that they are read with
// elsewhere.
//
// # Modulo
//
// The gate counts launches modulo 2^31, the others count modulo 2^32. 2^31 divides 2^32, so the
// difference is right modulo 2^31, whatever has wrapped around. There are never 2^31 live
// roots: their frames would not fit into memory. So the difference modulo 2^31 is the number
// itself.
//
// # When each is counted
//
// A launch is counted before its task is in any queue: by the gate before there is a frame
// (gate.launch), in a step of the executor by Worker.launch before the task is pushed. An end
// is counted last, after the result or the error has been delivered, also if a handler panics
// or ends the goroutine. So a root is live from before it can run until its caller or its
// handler has its outcome, and Drain returns after the last handler has.
//
// # Why 0 means that none is live
//
// liveRoots reads all ends first, then Worker.launched of all workers, the gate last. Let L be
// the launches that it has read, E the ends.
//
//	E is part of L
//
// since each root in E was counted as launched before it ran, and so before its end; and
// reading a count of ends makes visible what its writer, and those who handed it the root,
// stored before. For the same reason L has each launch that a step of a root in E made. So the
// difference is not negative, and if it is 0, then L = E.
//
// After gateDraining is set, which Drain does before it reads, all launches from outside are
// refused, and those before are in the gate's count, since both are changes of one atomic word.
// Let a root be live when the gate is read, and L = E. It is not in E, so it is not in L. Then
// a step launched it, or an AwaitOn of a task of this executor, and not one of a root in E,
// whose launches are all in L. So it was one of another root that is not in E, and so
// live or not seen to have ended. The same holds for that one, and so on to a root that was
// launched from outside. That root is in L and not in E, and so there is no such root.
//
// A launch from outside that is refused, or that makes no root, is in the gate's count for a
// moment (gate.takeBack). That makes the difference too large, never too small. The launch gives
// notice after it was taken back: in launchFromOutside if it was refused, in leaveLaunch if it
// was admitted.
//
// Without Drain there may be another launch while liveRoots reads. What it returns was right at
// the moment between its ends and its launches, but for launches and ends at that moment.
//
// # How Drain learns of the last end
//
// Drain sets draining, then reads the counts, and waits for a notice if they differ. The worker
// that ends a root counts the end, then loads draining, and sends a notice if it is set. Were
// all of this atomic, one of the two would see the other: the worker the flag, or Drain the
// count. But Worker.ended is counted by a store that is no barrier (countUp), so a worker may
// load draining before its count is visible, and neither sees the other. So Drain also looks
// again by itself: after minRecheck, then at doubling intervals up to maxRecheck.
//
// notices has room for one value, and a notice that finds it full is dropped. Then the value
// that is there is received later, and Drain reads the counts after that. They must have the
// end whose notice was dropped: notifyIfDraining adds 0 to elsewhere before it sends, which is
// a barrier. A Drain that finds 0 sends another notice, since other calls of Drain may be
// waiting for the same one.
//
// The models in gate_interleavings_test.go check this without the workers' own counts.

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/slots"
)

// endRoot delivers the outcome of a root, whose frame has been freed, and then counts
// the end. ref is what the frame referred to, and result where the root's result went.
func (w *Worker) endRoot(ref envRef, result uintptr, err error) {
	env := ref.get()
	rt := env.runtime // env may be cleared when rootEnded returns
	if err != nil || env.shares != nil || result != 0 {
		defer w.countRootEnd(rt) // also if a handler panics or ends the goroutine
		w.rootEnded(ref, result, err)
		return
	}
	if env.relay != nil {
		env.relay.rootEnded()
	}
	w.countRootEnd(rt)
}

// countRootEnd counts the end of a root of rt on w. It is called last: the root counts as live
// until its outcome has been delivered.
func (w *Worker) countRootEnd(rt *execRuntime) {
	if w.home == rt {
		countUp(&w.ended)
	} else {
		rt.roots.elsewhere.Add(1)
	}
	rt.roots.notifyIfDraining()
}

// rootEnded delivers the outcome of a root: to its Handle, to the caller of Run, to the functions
// of the options or, without any, its error to the executor's handler. The environment may be
// cleared when it returns.
func (w *Worker) rootEnded(ref envRef, result uintptr, err error) {
	env := ref.get()
	if s := ref.scope(); s != nil {
		if h := s.handleOf(); h != nil {
			h.ended(w, err)
			return
		}
	}
	switch s := env.shares; {
	case s == nil:
		if env.relay != nil {
			env.relay.rootEnded()
		}
		if result != 0 {
			callOf(result).ended(err)
			return
		}
		env.runtime.rootFailed(env.handler, w.failed, err)
	case env.runtime.oneChain:
		d := env.executor.(*seqDriver)
		d.call.err = err
		d.call.done.give()
	case result != 0 && s.results == nil:
		s.release()
		callOf(result).ended(err)
	default:
		s.rootEnded(w, result, err)
	}
}

// ended gives the outcome to the caller of Run, which recycles c.
func (c *call) ended(err error) {
	c.err = err
	c.done.give()
}

// resultHandler is a resultFunc of any type.
type resultHandler interface {
	// mustFit panics unless the handler takes the results of c.
	mustFit(c *call)

	// place returns the address of memory for one result, which one call of drop or deliver
	// frees. w is the worker whose goroutine calls, or nil.
	place(w *Worker) uintptr
	drop(w *Worker, place uintptr)

	// deliver calls the function with the result.
	deliver(w *Worker, place uintptr)
}

// resultFunc is the function of OnResult, which gets the root's result.
type resultFunc[R any] func(R)

func (f resultFunc[R]) mustFit(c *call) {
	if _, ok := c.self.(*callFor[R]); !ok {
		panic(fmt.Sprintf("coro: task %s: its result does not fit OnResult's function, which takes the type %v: give it one that takes what the task returns",
			quote(c.kind.name), reflect.TypeFor[R]()))
	}
}

// resultSlots has memory for the results of roots, for each type of result.
var resultSlots kindsByResult

func resultSlotsOf[R any]() *slots.Of[R] { return kindByResult[R](&resultSlots, defineResultSlots[R]) }

func defineResultSlots[R any]() *slots.Of[R] {
	all := new(slots.Of[R])
	all.Init()
	return all
}

func (f resultFunc[R]) place(w *Worker) uintptr {
	return uintptr(unsafe.Pointer(&resultSlotsOf[R]().Take(w.freeSlots()).Value))
}

// take returns the result in place, and frees that.
func (f resultFunc[R]) take(w *Worker, place uintptr) R {
	l := link[R](place)
	slot := slots.Around(l.get())
	result := slot.Value
	var zero R
	slot.Value = zero
	resultSlotsOf[R]().Put(w.freeSlots(), slot)
	return result
}

func (f resultFunc[R]) drop(w *Worker, place uintptr) { f.take(w, place) }

func (f resultFunc[R]) deliver(w *Worker, place uintptr) { f(f.take(w, place)) }

// ---- counts of live roots

// rootCounts is what an executor counts of its roots, besides the launches that its gate
// counts. Any goroutine may use it.
type rootCounts struct {
	// draining makes the ends of roots give notice. Drain sets it, before it reads the counts,
	// and nobody clears it. The goroutine that ends a root loads it after it has counted the
	// end.
	draining interleave.Bool

	// abandoned means that the executor was closed while roots were live: Drain returns an
	// error. execRuntime.close sets it, before the roots are cancelled. Drain loads it after it
	// has read the counts of their ends, so it sees it.
	abandoned interleave.Bool

	// notices gets a value when a root has ended, once draining is set. It holds one.
	notices chan struct{}

	// elsewhere counts ends on workers that are not in workers. It also has ended - launched of
	// the workers that were. Any goroutine adds, liveRoots loads.
	elsewhere interleave.Uint32

	mu      interleave.Mutex
	workers []*Worker // whose home this is, from SetLocalQueue until Close; guarded by mu
}

// storesRelease is true where a plain store makes visible all that was stored before it: these
// processors make stores visible in program order, and the compiler does not reorder them.
// Under the race detector it is false, since that takes a plain store beside a load for a race.
const storesRelease = (runtime.GOARCH == "amd64" || runtime.GOARCH == "386") && !race.Enabled

// countUp adds 1 to a count that the calling goroutine alone writes, and that others load
// atomically. A goroutine that loads the new count sees all that the caller stored before. It
// is no barrier where storesRelease is true: the caller's loads may come before its count is
// visible.
func countUp(n *uint32) {
	if storesRelease {
		*n++
	} else {
		atomic.StoreUint32(n, *n+1)
	}
}

// notifyIfDraining gives notice that a root has ended, or that a launch was taken back, which
// the caller has counted.
func (c *rootCounts) notifyIfDraining() {
	if c.draining.Load() {
		c.elsewhere.Add(0) // a barrier: the receiver of an older notice reads our count
		c.notify()
	}
}

// notify makes a Drain read the counts again.
func (c *rootCounts) notify() {
	interleave.TrySend(c.notices, struct{}{})
}

// addWorker puts the counts of a worker whose home this is into the sums.
func (c *rootCounts) addWorker(w *Worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.workers = append(c.workers, w)
}

// removeWorker moves the counts of a worker that is being closed to elsewhere. The caller is
// the worker's owner.
func (c *rootCounts) removeWorker(w *Worker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := slices.Index(c.workers, w); i >= 0 {
		c.workers = slices.Delete(c.workers, i, i+1)
		c.elsewhere.Add(w.ended - w.launched)
		w.launched, w.ended = 0, 0
	}
}

// endedLessLaunched returns how many roots have ended, less those that workers have launched in
// steps, modulo 2^32. It reads all ends before the first launch. mu keeps a worker from moving
// its counts meanwhile.
func (c *rootCounts) endedLessLaunched() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.elsewhere.Load()
	for _, w := range c.workers {
		n += atomic.LoadUint32(&w.ended)
	}
	for _, w := range c.workers {
		n -= atomic.LoadUint32(&w.launched)
	}
	return n
}

// liveRoots returns how many roots are live. It reads the gate last; see the head of this file.
func (rt *execRuntime) liveRoots() int {
	n := rt.roots.endedLessLaunched()
	return int((rt.launching.Launches() - n) & (1<<gate.LaunchBits - 1))
}

// drain is [Environment.Drain].
func (rt *execRuntime) drain(ctx context.Context, err error) error {
	rt.launching.Drain(err)
	rt.roots.draining.Store(true)
	recheck := minRecheck
	timer := time.NewTimer(recheck)
	defer timer.Stop()
	for notices := rt.roots.notices; ; {
		if rt.liveRoots() == 0 {
			rt.roots.notify() // for other calls of Drain
			if rt.roots.abandoned.Load() {
				return err
			}
			return nil
		}
		select {
		case <-notices:
			notices = nil // until noticePause has passed
			timer.Reset(noticePause)
		case <-timer.C:
			notices = rt.roots.notices
			timer.Reset(recheck)
			recheck = min(2*recheck, maxRecheck)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

const (
	// Drain reads the counts again after these times without a notice, in case it has missed
	// one.
	minRecheck = time.Millisecond
	maxRecheck = time.Second

	// noticePause is how long Drain takes no other notice after one, since roots may end by the
	// million.
	noticePause = 100 * time.Microsecond
)
