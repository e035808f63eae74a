//go:build framearena_explore

package interleave

import (
	"fmt"
	"math/bits"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/goroutine"
)

// Run is one execution of a model. The model uses it before the threads run. Then it belongs to
// the threads, of which one runs at a time, so nothing in a Run needs a lock.
type Run struct {
	x       *explorer
	threads []*thread
	atRest  func()
	end     func()

	phase phase
	turn  *thread       // the thread that runs
	begun chan struct{} // gets a value when a thread has reached its first operation
	over  chan struct{} // gets a value when the execution is over

	trace   []step
	checked int    // the steps that races has looked at
	asleep  actors // in the present state; see node
	last    int    // the thread that ran last
	forced  int    // preemptions so far
	free    bool   // what follows is not explored: see pick
	rested  bool   // atRest was called

	objects map[unsafe.Pointer]*object
	hidden  map[*uintptr]*hidden
	failure *Failure
}

type phase uint8

const (
	settingUp phase = iota
	starting        // threads run up to their first operation, one after the other
	running
	resting // atRest or end is running
)

// current is the present execution, or nil. Explore stores it before the threads run and clears it
// afterwards; threads load it.
var current atomic.Pointer[Run]

// exploring returns the execution and the site of the operation that the caller is about to do.
// It returns nil if no execution runs, or if the operation is not to be explored.
//
// While an execution runs, only its threads may use this package's types. This is checked in
// some executions only, since the check costs more than all the rest.
func exploring() (*Run, *site) {
	r := current.Load()
	if r == nil || r.phase != running && r.phase != starting {
		return nil, nil
	}
	s := r.here()
	if s == nil {
		return nil, nil
	}
	if n := r.x.result.Executions; n < 3 || n&255 == 0 {
		if id := goroutine.ID(); id != r.turn.goroutine {
			panic("interleave: a goroutine that is no thread of the model uses what is explored:\n" + string(debug.Stack()))
		}
	}
	return r, s
}

// thread is a thread of a model. Its goroutine runs only when Run.turn is the thread.
type thread struct {
	id        int
	name      string
	f         func()
	goroutine uint64
	resume    chan struct{} // gets a value when it is this thread's turn
	done      bool

	next  op    // its next operation, unless it is done
	fresh bool  // races has not looked at next
	clock clock // of its last step

	// buffer has the thread's stores that are not visible to others yet, the oldest first.
	buffer      []delayed
	bufferClock clock
	bufferFresh bool // races has not looked at the oldest store
	late        bool // other operations were done since the oldest store came into the buffer
}

// delayed is a store in a buffer.
type delayed struct {
	p     *uintptr
	v     uintptr
	site  *site
	clock clock // of the thread when it stored
}

// hidden is a word for which a store waits in the buffer of owner. The word itself has the
// newest value already, which the owner sees. Others see visible.
type hidden struct {
	owner   *thread
	visible uintptr
}

// step is an operation that was done.
type step struct {
	actor int
	op    op
	clock clock // of what comes before it, and itself; nil if the execution is free
	value any   // the value that it saw or made, for reports
}

// actors is a set of actors. An actor is a thread or its buffer: number 2n is thread n, 2n+1 is its
// buffer. The only operation of a buffer is to make its oldest store visible.
type actors uint64

const maxThreads = 16

func (a actors) has(actor int) bool { return a>>actor&1 != 0 }
func only(actor int) actors         { return 1 << actor }
func (a actors) least() int         { return bits.TrailingZeros64(uint64(a)) }

// Thread adds a thread that calls f. The model calls it, at most 16 times. f may use what the
// model has made.
func (r *Run) Thread(name string, f func()) {
	if r.phase != settingUp || len(r.threads) == maxThreads {
		panic("interleave: Thread is called by the model, at most 16 times")
	}
	r.threads = append(r.threads, &thread{id: len(r.threads), name: name, f: f, resume: make(chan struct{})})
}

// AtRest makes the explorer call f when no thread can run and some have not ended. Without it
// that is a failure. f may look at what the threads share, and must make some of them able to
// run. What they do then is run in one order only. If they come to rest again, f is called
// again.
func (r *Run) AtRest(f func()) { r.atRest = f }

// End makes the explorer call f when all threads have ended, to look at the result.
func (r *Run) End(f func()) { r.end = f }

// Require makes the execution a failure unless ok is true, and does not return then. Threads,
// and the functions given to AtRest and End, may call it.
func (r *Run) Require(ok bool, format string, args ...any) {
	if !ok {
		panic(requirement(fmt.Sprintf(format, args...)))
	}
}

// requirement is the value of a panic that makes the execution a failure.
type requirement string

// execute runs the threads once.
func (r *Run) execute(model func(*Run)) {
	current.Store(r)
	defer current.Store(nil)
	model(r)
	for _, t := range r.threads {
		t.clock = make(clock, 2*len(r.threads))
		t.bufferClock = make(clock, 2*len(r.threads))
	}
	r.last = -1
	r.phase = starting
	for _, t := range r.threads {
		go r.runThread(t)
		r.turn = t
		t.resume <- struct{}{}
		if !r.wait(r.begun) {
			return
		}
	}
	r.phase = running
	r.schedule(nil)
	if !r.wait(r.over) || r.failure != nil || r.end == nil {
		return
	}
	r.phase = resting
	defer func() {
		if v := recover(); v != nil {
			r.fail(v)
		}
	}()
	r.end()
}

// wait waits for c. It makes the execution a failure, and returns false, if a thread blocks in
// something that this package does not know.
func (r *Run) wait(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
	}
	stuck := time.NewTimer(10 * time.Second)
	defer stuck.Stop()
	select {
	case <-c:
		return true
	case <-stuck.C:
		r.fail(requirement("thread " + r.turn.name + " waits for something that interleave does not know, or does not end"))
		return false
	}
}

// runThread is a thread's goroutine. The name is known to newSite.
func (r *Run) runThread(t *thread) {
	<-t.resume
	t.goroutine = goroutine.ID()
	defer func() {
		v := recover()
		t.done = true
		switch {
		case v != nil:
			r.fail(v)
			if r.phase == starting {
				r.begun <- struct{}{}
			} else {
				r.over <- struct{}{}
			}
		case r.phase == starting:
			r.begun <- struct{}{}
		default:
			r.schedule(t)
		}
	}()
	t.f()
}

// fail makes the execution a failure, if it is none yet.
func (r *Run) fail(v any) {
	if r.failure != nil {
		return
	}
	r.failure = &Failure{run: r}
	if s, ok := v.(requirement); ok {
		r.failure.What = string(s)
	} else {
		r.failure.What = fmt.Sprintf("panic: %v\n%s", v, debug.Stack())
	}
}

// point is the scheduling point: a thread calls it before each operation. It returns when the
// thread has to do the operation. ready reports whether the operation can be done without
// waiting; nil means that it always can.
func (r *Run) point(kind opKind, at unsafe.Pointer, s *site, ready func() bool) {
	t := r.turn
	t.next, t.fresh = op{kind: kind, at: at, site: s, ready: ready}, true
	if r.phase == starting {
		r.begun <- struct{}{}
		<-t.resume
		return
	}
	r.schedule(t)
}

// saw records the value that the last operation has seen or made.
func (r *Run) saw(v any) { r.trace[len(r.trace)-1].value = v }

// schedule makes a thread run that pick chooses. It returns when self is chosen, or at once if
// self has ended. self is nil in the call that starts the threads.
func (r *Run) schedule(self *thread) {
	for {
		a, ok := r.pick()
		switch {
		case !ok && r.failure == nil && r.alive() && r.atRest != nil:
			if r.rest(); r.failure == nil && r.enabled() == 0 {
				r.fail(requirement("nothing can run, and AtRest did not help"))
			}
			continue
		case !ok:
			if r.failure == nil && r.alive() {
				r.fail(requirement("nothing can run, and not all threads have ended"))
			}
			r.over <- struct{}{}
			if self != nil && !self.done {
				select {} // never runs again
			}
			return
		case a&1 != 0:
			r.show(r.threads[a/2])
			continue
		}
		t := r.threads[a/2]
		r.turn = t
		if t == self {
			return
		}
		t.resume <- struct{}{}
		if self != nil && !self.done {
			<-self.resume
		}
		return
	}
}

func (r *Run) alive() bool {
	return slices.ContainsFunc(r.threads, func(t *thread) bool { return !t.done })
}

// rest calls the function of AtRest.
func (r *Run) rest() {
	r.rested, r.free = true, true
	r.phase = resting
	defer func() {
		r.phase = running
		if v := recover(); v != nil {
			r.fail(v)
		}
	}()
	r.atRest()
}

// delay puts a store into the buffer of the thread that runs.
func (r *Run) delay(p *uintptr, v uintptr, s *site) {
	t := r.turn
	if r.phase == starting { // before its first operation
		r.point(opNone, nil, s, nil)
	}
	r.mustBeOrdered(t, p)
	h := r.hidden[p]
	if h == nil {
		h = &hidden{owner: t, visible: atomic.LoadUintptr(p)}
		r.hidden[p] = h
	}
	atomic.StoreUintptr(p, v)
	t.bufferFresh = t.bufferFresh || len(t.buffer) == 0
	t.buffer = append(t.buffer, delayed{p, v, s, r.clone(t.clock)})
}

// mustBeOrdered panics if another thread has stored in p and nothing orders that store before
// the next operation of t.
func (r *Run) mustBeOrdered(t *thread, p *uintptr) {
	h, o := r.hidden[p], r.objects[unsafe.Pointer(p)]
	if h != nil && h.owner != t || !r.free && o != nil && o.shown && o.shower != 2*t.id+1 && t.clock[o.shower] < o.shownAt {
		panic(requirement("two threads store in the same place, and nothing orders that"))
	}
}

// show makes the oldest store in the buffer of t visible.
func (r *Run) show(t *thread) {
	d := t.buffer[0]
	t.buffer = slices.Delete(t.buffer, 0, 1)
	t.bufferFresh = true
	r.saw(d.v)
	if slices.ContainsFunc(t.buffer, func(e delayed) bool { return e.p == d.p }) {
		r.hidden[d.p].visible = d.v
	} else {
		delete(r.hidden, d.p)
		atomic.StoreUintptr(d.p, d.v)
	}
}

// hiddenFrom returns the entry of p if the thread that runs sees another value there than *p, and
// nil otherwise.
func hiddenFrom(p *uintptr) *hidden {
	r := current.Load()
	if r == nil || r.phase != running {
		return nil
	}
	if h := r.hidden[p]; h != nil && h.owner != r.turn {
		return h
	}
	return nil
}
