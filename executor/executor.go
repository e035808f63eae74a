package executor

import (
	"errors"
	"runtime"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// ErrClosed is the error of posting to a closed executor, and of tasks that an
// executor cancels because it is closed.
var ErrClosed = errors.New("executor: closed")

// Option changes what [NewPool], [NewInline], [NewLoop] or [NewStrand] makes.
type Option func(*options)

type options struct {
	arena    *arena.Arena
	owned    bool // the executor made the arena and closes it
	workers  int
	handler  func(error)
	counted  bool
	profiled bool
	notify   func() // of a Loop
	clock    coro.Clock
	virtual  bool // time, of a Loop

	blockedLimit time.Duration // 0: the default; negative: none
	blocked      func(Blocked)
}

// WithArena makes the executor take frames from a, which must stay open until the
// executor is closed. Without it, the executor has an arena of its own.
func WithArena(a *arena.Arena) Option { return func(o *options) { o.arena = a } }

// WithWorkers sets the number of a pool's workers; less than 1 means one per P,
// which is what a pool has without this option. An Inline and a Loop always have one.
func WithWorkers(n int) Option { return func(o *options) { o.workers = n } }

// WithErrorHandler makes f get the errors of root tasks that nobody waits for. It
// is called on the goroutine that ran the task. Without it, they are printed to
// standard error.
func WithErrorHandler(f func(error)) Option { return func(o *options) { o.handler = f } }

// WithKindStats makes all tasks on the executor be counted by their kinds, as
// [coro.Counted] does for one tree: see [coro.Stats]. They are slower then.
func WithKindStats() Option { return func(o *options) { o.counted = true } }

// WithFrameProfile makes all tasks on the executor be in profiles of live frames, as
// [coro.Profiled] does for one tree: see [coro.WriteFrameProfile]. They are slower still
// than with [WithKindStats], which this includes.
func WithFrameProfile() Option { return func(o *options) { o.profiled = true } }

// newEnvironment returns the environment of ex, which has these options.
func (o *options) newEnvironment(ex coro.Executor) *coro.Environment {
	env := coro.NewEnvironment(ex, o.arena, o.handler)
	if o.counted {
		env.SetCounted()
	}
	if o.profiled {
		env.SetProfiled()
	}
	if o.clock != nil {
		env.SetClock(o.clock)
	}
	return env
}

// WithBlockedLimit sets how long a worker of a pool may be in one step before another
// worker takes its place until it comes back: 10 ms without this option or if d is 0.
// If d is negative, workers are never replaced. Steps that block are better left to
// [coro.Blocking].
func WithBlockedLimit(d time.Duration) Option { return func(o *options) { o.blockedLimit = d } }

// WithBlockedHandler makes f be told of each worker of a pool that has been in one step
// for longer than the limit of [WithBlockedLimit]: to find steps that should not block.
// It is called on a goroutine of its own, one call at a time; if it is still busy when
// more workers are found, it is not told of these.
func WithBlockedHandler(f func(Blocked)) Option { return func(o *options) { o.blocked = f } }

// mustBeReal panics if the options of an executor that is no Loop have virtual time.
func (o *options) mustBeReal(what string) {
	if o.virtual {
		panic("executor: " + what + " with WithVirtualTime: only a Loop knows when it has nothing to do; give the option to NewLoop, or a clock of your own to WithClock")
	}
}

func newOptions(opts []Option) options {
	var o options
	for _, apply := range opts {
		apply(&o)
	}
	if o.workers < 1 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	if o.arena == nil {
		a, err := arena.New()
		if err != nil {
			panic(err) // without options there is none that could be wrong
		}
		o.arena, o.owned = a, true
	}
	return o
}

// cancelAll cancels all tasks in the queue of an executor that is closed.
func cancelAll(q *coro.RunQueue, w *coro.Worker) {
	for {
		t, ok := q.Pop()
		if !ok {
			return
		}
		w.Cancel(t, ErrClosed)
	}
}

// closeArena closes the arena if the executor owns it.
func (o *options) closeArena() error {
	if !o.owned {
		return nil
	}
	return o.arena.Close()
}
