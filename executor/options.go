package executor

import (
	"fmt"
	"runtime"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// PoolOption is an option of [NewPool].
type PoolOption interface{ applyToPool(*poolOptions) }

// InlineOption is an option of [NewInline].
type InlineOption interface{ applyToInline(*options) }

// LoopOption is an option of [NewLoop].
type LoopOption interface{ applyToLoop(*loopOptions) }

// StrandOption is an option of [NewStrand].
type StrandOption interface{ applyToStrand(*options) }

// BaseOption is an option of [NewPool], [NewInline] and [NewLoop], whose executors can be
// the base of a [Strand]. A Strand takes such things from its base.
type BaseOption interface {
	PoolOption
	InlineOption
	LoopOption
}

// Option is an option of all constructors.
type Option interface {
	BaseOption
	StrandOption
}

// WithArena makes the executor take frames from a, which must stay open until the
// executor is closed. Without this option the executor makes an arena of its own, and
// closes it.
func WithArena(a *arena.Arena) BaseOption {
	return baseOption(func(o *options) { o.arena = a })
}

// WithErrorHandler makes the executor call f with the error of each root task that nobody
// waits for, on the goroutine that ran the task. Without this option such errors are
// printed to standard error: the first 10 of a second in full, the others as one line of
// counts by kind and error, at the latest in Close. Those of a [Strand] go to the handler of its base.
func WithErrorHandler(f func(error)) Option {
	return anyOption(func(o *options) { o.handler = f })
}

// WithKindStats counts all tasks on the executor by their kinds, as [coro.Counted] does
// for one tree: see [coro.Stats]. It makes tasks slower.
func WithKindStats() BaseOption {
	return baseOption(func(o *options) { o.counted = true })
}

// WithFrameProfile puts all tasks on the executor into profiles of live frames, as
// [coro.Profiled] does for one tree: see [coro.WriteFrameProfile]. It includes
// [WithKindStats], and makes tasks slower than that alone.
func WithFrameProfile() BaseOption {
	return baseOption(func(o *options) { o.profiled = true })
}

// WithClock makes the timers of the executor's tasks go by c in place of the real time.
// The executor's own timing, such as the detection of blocked workers, stays real.
func WithClock(c coro.Clock) BaseOption {
	return baseOption(func(o *options) { o.clock = c })
}

// WithWorkers sets the number of a pool's workers. Without this option, or if n is less
// than 1, a pool has one worker for each P.
func WithWorkers(n int) PoolOption {
	return poolOption(func(o *poolOptions) { o.workers = n })
}

// WithBlockedLimit sets how long a worker of a pool may be in one step before another
// worker replaces it, until the step ends. Without this option, or if d is 0, the limit is
// 10 ms. If d is negative, no worker is replaced. Functions that are known to block belong
// in [coro.Blocking].
func WithBlockedLimit(d time.Duration) PoolOption {
	return poolOption(func(o *poolOptions) { o.blockedLimit = d })
}

// WithBlockedHandler makes the pool call f for each worker that has been in one step for
// longer than the limit of [WithBlockedLimit]: it finds steps that should not block. The
// pool calls f on a goroutine of its own, one call at a time. It does not report a worker
// that it finds while a call is still running.
func WithBlockedHandler(f func(Blocked)) PoolOption {
	return poolOption(func(o *poolOptions) { o.blocked = f })
}

// WithNotify makes a [Loop] call f whenever it puts a value into the channel of
// [Loop.Ready], and also when it would do so but a value is there already: for event loops
// that cannot wait for a channel. The Loop calls f on the goroutine that posts or drives,
// while that goroutine holds no lock of the Loop. f must not drive the Loop.
func WithNotify(f func()) LoopOption {
	return loopOption(func(o *loopOptions) { o.notify = f })
}

// WithSeed makes the random choices of a [Loop] repeat: those of [coro.Select] between cases that can
// happen at once. Two runs with the same seed, whose tasks do the same, make the same choices; with
// other seeds, a simulation takes other ways. With [WithVirtualTime] and without WithSeed, the seed
// is 0. Without both, the choices are different in each run.
func WithSeed(seed uint64) LoopOption {
	return loopOption(func(o *loopOptions) { o.seed, o.seeded = seed, true })
}

// WithVirtualTime gives a [Loop] a clock that stands still while tasks run and jumps to the
// next timer when none is ready: tasks that sleep for hours run as fast as they can, in the
// same order each time. Random choices are the same each time too, see [WithSeed]. What comes from
// outside of the Loop, such as a call from another goroutine or the end of a context, comes when it
// comes. See the methods that drive the Loop, and [Loop.Now]. Timers are
// exact to the nanosecond; timers with the same time fire in the order in which they were
// set.
//
// [coro.Sleep] and [coro.Timeout] go by this clock. Points in time, those of
// [coro.SleepUntil], [coro.Deadline] and contexts, are real. The clock does not wait for
// anything outside of the Loop, such as the function of a [coro.Blocking].
//
// Only a Loop knows when it has nothing to do. Other executors take a clock of the
// program's own: see [WithClock]. A Loop with both options panics.
func WithVirtualTime() LoopOption {
	return loopOption(func(o *loopOptions) { o.virtual = true })
}

// options are what each executor with an arena can be given. They are written by its
// constructor only.
type options struct {
	arena    *arena.Arena
	owned    bool // the executor made the arena, and closes it
	handler  func(error)
	counted  bool
	profiled bool
	clock    coro.Clock // nil: the real time
}

type poolOptions struct {
	options
	workers      int
	blockedLimit time.Duration // 0: the default; negative: no worker is replaced
	blocked      func(Blocked)
}

type loopOptions struct {
	options
	notify  func()
	virtual bool
	seed    uint64 // of the worker, if seeded
	seeded  bool
}

type (
	anyOption  func(*options)
	baseOption func(*options)
	poolOption func(*poolOptions)
	loopOption func(*loopOptions)
)

func (set anyOption) applyToPool(o *poolOptions) { set(&o.options) }
func (set anyOption) applyToInline(o *options)   { set(o) }
func (set anyOption) applyToLoop(o *loopOptions) { set(&o.options) }
func (set anyOption) applyToStrand(o *options)   { set(o) }

func (set baseOption) applyToPool(o *poolOptions) { set(&o.options) }
func (set baseOption) applyToInline(o *options)   { set(o) }
func (set baseOption) applyToLoop(o *loopOptions) { set(&o.options) }

func (set poolOption) applyToPool(o *poolOptions) { set(o) }

func (set loopOption) applyToLoop(o *loopOptions) { set(o) }

func newPoolOptions(opts []PoolOption) (o poolOptions) {
	each("NewPool", opts, func(opt PoolOption) { opt.applyToPool(&o) })
	if o.workers < 1 {
		o.workers = runtime.GOMAXPROCS(0)
	}
	o.open()
	return o
}

func newInlineOptions(opts []InlineOption) (o options) {
	each("NewInline", opts, func(opt InlineOption) { opt.applyToInline(&o) })
	o.open()
	return o
}

func newLoopOptions(opts []LoopOption) (o loopOptions) {
	each("NewLoop", opts, func(opt LoopOption) { opt.applyToLoop(&o) })
	if o.virtual && o.clock != nil {
		panic("executor: NewLoop with WithVirtualTime and WithClock: a Loop has one clock")
	}
	o.open()
	return o
}

func newStrandOptions(opts []StrandOption) (o options) {
	each("NewStrand", opts, func(opt StrandOption) { opt.applyToStrand(&o) })
	return o
}

// each calls apply with each of the options. It panics if one is nil.
func each[O any](constructor string, opts []O, apply func(O)) {
	for i, opt := range opts {
		if any(opt) == nil {
			panic(fmt.Sprintf("executor: %s: option %d of %d is nil: leave it out", constructor, i+1, len(opts)))
		}
		apply(opt)
	}
}

// open makes an arena if no option has given one.
func (o *options) open() {
	if o.arena != nil {
		return
	}
	a, err := arena.New()
	if err != nil {
		panic(err) // an arena without options has none that could be wrong
	}
	o.arena, o.owned = a, true
}

// closeArena closes the arena if the executor owns it.
func (o *options) closeArena() error {
	if !o.owned {
		return nil
	}
	return o.arena.Close()
}

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
