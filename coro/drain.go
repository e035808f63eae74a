package coro

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/race"
)

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

func (w *Worker) countRoot(x *execRuntime) {
	if w.home == x {
		countUp(&w.ended)
	} else {
		x.roots.elsewhere.Add(1)
	}
	x.roots.notifyIfDraining()
}

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
	return int((x.launching.launches() - ended) & (1<<(64-gateLaunches) - 1))
}

// beginLaunch is gate.launch, or gate.admits if w is the worker in whose step it is called.
func (x *execRuntime) beginLaunch(w *Worker, inside bool) error {
	if w != nil {
		return x.launching.admits(inside)
	}
	return x.launching.launch(inside)
}

// newRoot makes the frame of a root of env, whose executor w serves, for Go and GoHeld. w
// runs a step.
func (w *Worker) newRoot(env *Environment, k *kind) (*header, error) {
	if err := env.runtime.launching.admits(false); err != nil {
		return nil, err
	}
	h := env.newRoot(w, k)
	if h == nil {
		return nil, arena.ErrExhausted
	}
	return h, nil
}

// launch makes a root of env that newRoot has made ready to run. It is counted first: it may
// have ended when pushLocal returns.
func (w *Worker) launch(h *header, env *Environment) {
	countUp(&w.launched)
	w.pushLocal(Runnable{h}, env, OriginConcurrent)
}

// leaveLaunch ends what gate.launch began. launched says whether there is a root.
func (x *execRuntime) leaveLaunch(launched bool) {
	if launched {
		x.launching.leave()
		return
	}
	x.launching.takeBack()
	x.roots.notifyIfDraining()
}

// close makes launches return err, and says to who drains that what is live then will be cancelled.
func (x *execRuntime) close(err error) {
	x.launching.close(err)
	if x.liveRoots() > 0 {
		x.roots.abandoned.Store(true)
	}
}

// Live returns how many root tasks of the executor there are: those that were launched and
// have not ended, or had not a moment ago. A root has ended when whoever waits for it, or
// its handler, has been told. Any goroutine may ask.
func (e *Environment) Live() int { return e.runtime.liveRoots() }

const (
	firstRecheck  = time.Millisecond
	longRecheck   = time.Second
	noticePeriods = 100 * time.Microsecond // Drain looks no more often than that
)

// Drain makes launches on the executor return err from now on, and waits until no root task
// is live. All that is there goes on as before: it waits, sleeps, is woken, spawns, awaits.
// An [AwaitOn] by a task of the same executor is no launch in this sense; those of other
// executors are, and so is a [Go] in a step.
//
// If ctx ends before that, Drain returns its cause; launches are refused all the same, and
// Drain may be called again. If the executor was closed while roots were live, the error is
// err. Drain does not close the executor. It may be called from any goroutine, but not from
// a step function or a handler: the root there would wait for itself.
func (e *Environment) Drain(ctx context.Context, err error) error {
	x := e.runtime
	x.launching.drain(err)
	x.roots.draining.Store(true)
	recheck := firstRecheck
	timer := time.NewTimer(recheck)
	defer timer.Stop()
	for notices := x.roots.notices; ; {
		if x.liveRoots() == 0 {
			x.roots.notify() // others may be draining
			if x.roots.abandoned.Load() {
				return err
			}
			return nil
		}
		select {
		case <-notices:
			notices = nil
			timer.Reset(noticePeriods)
		case <-timer.C:
			notices = x.roots.notices
			timer.Reset(recheck)
			recheck = min(2*recheck, longRecheck)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
