package coro

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/internal/gate"
	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/race"
)

// endRoot tells whoever it is for that a root of env has ended with err, and counts the end
// after that, also if a handler panics or ends the goroutine: who has drained an executor
// finds that all handlers have returned.
func (w *Worker) endRoot(env *Environment, err error) {
	x := env.runtime
	if err != nil || env.call != nil {
		defer w.countRoot(x)
		env.rootEnded(err)
		return
	}
	env.rootEnded(nil)
	w.countRoot(x)
}

// ended is told that the root ended with err, which may be nil. Its frame is
// gone, and e may be as soon as ended returns.
func (e *Environment) rootEnded(err error) {
	if c := e.call; c != nil {
		c.rootEnded(err)
		return
	}
	if e.relay != nil {
		e.relay.rootEnded()
	}
	if err != nil {
		e.handler(err)
	}
}

// ended is told that the root ended with err. It must not touch c after it has
// let go of it.
func (c *call) rootEnded(err error) {
	if c.waited {
		c.err = err
		c.done.give()
		return
	}
	if c.recipient != nil {
		c.recipient.deliver(c, err)
		return
	}
	handler := c.env.handler
	c.release()
	if err != nil {
		handler(err)
	}
}

// ender is who gets what a root ends with, if nobody waits in Run.
type recipient interface {
	// begin is told that c carries an environment now, before there is a frame.
	attach(c *call)

	// ended takes the result from c, releases c, and tells whoever it is for.
	deliver(c *call, err error)
}

// resultHandler is a resultFunc of any type.
type resultHandler interface {
	recipient

	// mustFit panics if the handler is not one for the results of c.
	mustFit(c *call)
}

// resultFunc is the ender of a tree whose result goes to a function.
type resultFunc[R any] func(R)

func (f resultFunc[R]) mustFit(c *call) {
	if _, ok := c.self.(*callFor[R]); !ok {
		panic(fmt.Sprintf("coro: task %s: its result does not fit OnResult's function, which takes the type %v: give it one that takes what the task returns",
			quote(c.kind.name), reflect.TypeFor[R]()))
	}
}

func (f resultFunc[R]) attach(*call) {}

func (f resultFunc[R]) deliver(c *call, err error) {
	result := c.self.(*callFor[R]).take()
	handler := c.env.handler
	c.release()
	if err != nil {
		handler(err)
		return
	}
	f(result)
}

func (w *Worker) countRoot(x *execRuntime) {
	if w.home == x {
		countUp(&w.ended)
	} else {
		x.roots.elsewhere.Add(1)
	}
	x.roots.notifyIfDraining()
}

// live is how many roots of an executor there are: launches - ended. Both are spread over
// the workers, so that they do not write to one word, and what was launched or has ended
// elsewhere:
//
//	launches = those counted in waiting.launching + the sum of Worker.launched over workers
//	ended = elsewhere + the sum of Worker.ended over workers
//
// All are modulo a power of two that is more than there can be roots at a time.
type rootCounts struct {
	// draining says that whoever ends a root gives notice. It is set once, by Drain, and
	// read after each end. A worker that has just counted an end may miss it, because its
	// store is no barrier; Drain, which then has not seen the count, looks again.
	draining interleave.Bool

	// abandoned says that the executor was closed while roots were live. It is set once,
	// before these are cancelled.
	abandoned interleave.Bool

	// notices gets a value when a root has ended, if somebody drains.
	notices chan struct{}

	// elsewhere counts ends on other workers than those in workers, and by who has no
	// worker. Anyone adds.
	elsewhere interleave.Uint32

	mu      interleave.Mutex
	workers []*Worker // whose home this is, from SetLocalQueue until Close; guarded by mu
}

// storesRelease says that a plain store makes visible what was stored before, and the race
// detector is not there to look for more.
const storesRelease = (runtime.GOARCH == "amd64" || runtime.GOARCH == "386") && !race.Enabled

// countUp adds 1 to a count that only the caller writes.
func countUp(n *uint32) {
	if storesRelease {
		*n++
	} else {
		atomic.StoreUint32(n, *n+1)
	}
}

// note gives notice that a root has ended.
func (l *rootCounts) notifyIfDraining() {
	if l.draining.Load() {
		l.elsewhere.Add(0) // a barrier: who finds an older notice looks after our count
		l.notify()
	}
}

func (l *rootCounts) notify() {
	interleave.TrySend(l.notices, struct{}{})
}

// employ is told of a worker whose home this is.
func (l *rootCounts) addWorker(w *Worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers = append(l.workers, w)
}

// dismiss takes over the count of a worker that is closed.
func (l *rootCounts) removeWorker(w *Worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.workers, w); i >= 0 {
		l.workers = slices.Delete(l.workers, i, i+1)
		l.elsewhere.Add(w.ended - w.launched)
		w.launched, w.ended = 0, 0
	}
}

// ended returns how many roots have ended, modulo 2^32, or had a moment ago, less those
// that were launched on workers: for these it is as for all, see liveRoots.
func (l *rootCounts) endedOnWorkers() uint32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.elsewhere.Load()
	for _, w := range l.workers {
		n += atomic.LoadUint32(&w.ended)
	}
	for _, w := range l.workers {
		n -= atomic.LoadUint32(&w.launched)
	}
	return n
}

// liveRoots returns how many roots there are. Launches are read last: if that gives 0 there
// was no root then, because until then no more had ended than were counted.
func (x *execRuntime) liveRoots() int {
	ended := x.roots.endedOnWorkers()
	return int((x.launching.Launches() - ended) & (1<<gate.LaunchBits - 1))
}

const (
	firstRecheck  = time.Millisecond
	longRecheck   = time.Second
	noticePeriods = 100 * time.Microsecond // Drain looks no more often than that
)
