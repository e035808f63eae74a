package coro

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/framearena/framearena/arena"
)

// Executor decides which goroutine runs tasks, and when. Package executor has
// several; a user's own needs these two methods and a goroutine that calls
// [Worker.Run]. When it is closed, it calls [Environment.Close] and
// [Environment.CancelWaiting].
type Executor interface {
	// Post takes a task that is ready to run, from any goroutine, and sees to it
	// that some worker's Run or Cancel is called for it, once. If it returns an
	// error it has not taken the task.
	Post(t Runnable) error

	// Environment returns what [NewEnvironment] made for this executor.
	Environment() *Environment
}

// Environment is what the tasks of a tree have in common: executor, allocator and
// context. A root gets it at its launch, a child copies it from its parent: one word in the
// frame refers to it. There is no thread-local state that could belong to another tree.
//
// It does not change while a task of the tree lives. The executor keeps it alive or, if the
// launch had options, the pinned calls do.
type Environment struct {
	// ---- the executor's: the same in all its environments

	executor Executor
	arena    *arena.Arena
	runtime  *execRuntime
	relay    *Relay // the executor, if that is a Relay; otherwise nil

	// ---- the entry's: the same for all launches on one way into the executor, see View

	mark     Origin      // is added to the origin of tasks in PushLocal
	counted  bool        // kinds count the tasks
	profiled bool        // the tasks are in frame profiles
	handler  func(error) // gets errors of roots that no caller waits for

	// ---- the tree's

	// registry is where a canceller finds the tree's tasks while they wait: the runtime's,
	// or the tree's own if its context can end.
	registry *waitRegistry

	// allocator serves the tree's frames, on any goroutine. If it is nil, the arena does,
	// through the cache of the worker at hand.
	allocator arena.FrameAllocator

	ctx      context.Context // nil: none
	rootSize uintptr         // the least size of the root's frame, in bytes
	call     *call           // carries this environment, if it is not the executor's own

	// scope has this as its environment, if this is that of a part of a tree, or of a tree
	// that a Handle may cancel; otherwise it is nil.
	scope *scope
}

// NewEnvironment returns the environment of tasks that are launched on ex without
// options. Their frames come from a, and all workers of ex must be workers of a.
// handler is called with the error of a root task that nobody waits for, on the
// worker's goroutine; nil prints it to standard error.
func NewEnvironment(ex Executor, a *arena.Arena, handler func(error)) *Environment {
	if handler == nil {
		handler = printError
	}
	x := newExecRuntime()
	return &Environment{executor: ex, arena: a, runtime: x, registry: &x.registry, handler: handler}
}

// View returns the environment of another way into the executor whose environment e is. ex
// is that way: an executor whose Post leads to the same workers. Its tasks have the arena,
// clock, handler and life of the executor, but they stay its own: they are posted to ex
// when they are ready and, in a step, given to PushLocal with [OriginMarked] in their origin. So
// an executor can have tasks that it treats in another way, such as urgent ones. The
// environment must live as long as the executor.
func (e *Environment) View(ex Executor) *Environment {
	view := *e
	view.executor, view.mark = ex, OriginMarked
	return &view
}

// SetClock makes c what the timers of the executor go by, in place of the real time. An
// executor calls it before it takes tasks. A nil c is the real time.
func (e *Environment) SetClock(c Clock) {
	e.runtime.clock = nil
	if c != nil {
		e.runtime.clock = checkedClock{c}
	}
}

// Now returns the time by the clock that the executor's timers go by. What it is counted
// from is up to the clock. Any goroutine may ask.
func (e *Environment) Now() time.Duration { return time.Duration(e.runtime.timing().now()) }

// SetCounted makes all trees that are launched on the executor be counted, whatever
// their options. An executor calls it before it takes its first task.
func (e *Environment) SetCounted() { e.counted = true }

// SetProfiled makes all trees that are launched on the executor be in profiles,
// whatever their options. An executor calls it before it takes its first task.
func (e *Environment) SetProfiled() { e.counted, e.profiled = true, true }

// Live returns how many root tasks of the executor there are: those that were launched and
// have not ended, or had not a moment ago. A root has ended when whoever waits for it, or
// its handler, has been told. Any goroutine may ask.
func (e *Environment) Live() int { return e.runtime.liveRoots() }

// Waiting returns an iterator over the tasks of the executor, whatever the options of
// their launch, that wait for something. Tasks that run, that are queued to run, or
// that await one that is, are not among them, nor are those of generators.
//
// It may be used from any goroutine, and in a step function, at any time: tasks go on
// meanwhile, no lock is held in the loop's body, and none for long outside of it. So
// it is no picture of one moment. A task that waits all the time is in it once; one
// that begins to wait, or goes on, may or may not be, and one that does both may be
// in it again. So may one that sleeps, when its time comes near.
//
// It costs tasks that wait nothing. A loop over a million builds a million backtraces;
// [Environment.WaitingByKind] does not.
func (e *Environment) Waiting() iter.Seq[WaitingTask] {
	return func(yield func(WaitingTask) bool) {
		e.runtime.visit(&visitor{of: e.runtime, sink: &taskList{yield: yield}})
	}
}

// WaitingByKind returns how many tasks [Environment.Waiting] would give of each sort,
// the largest number first.
func (e *Environment) WaitingByKind() []WaitingGroup {
	counts := make(groupCounts)
	e.runtime.visit(&visitor{of: e.runtime, sink: counts})
	groups := make([]WaitingGroup, 0, len(counts))
	for g, n := range counts {
		groups = append(groups, WaitingGroup{g.kind.Info(), g.root.Info(), g.what, n})
	}
	slices.SortFunc(groups, func(a, b WaitingGroup) int {
		return cmp.Or(
			-cmp.Compare(a.N, b.N),
			cmp.Compare(a.Kind.String(), b.Kind.String()),
			cmp.Compare(a.Root.String(), b.Root.String()),
			cmp.Compare(a.What, b.What),
		)
	})
	return groups
}

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

// Close makes launches on the executor return err, whatever their options, and
// waits for those that have begun to make a frame and not yet posted it: what
// they post, the executor must still take or refuse. An executor calls it before
// it closes its arena. It must not be called from a step function.
func (e *Environment) Close(err error) { e.runtime.close(err) }

// CancelWaiting cancels all tasks of the executor that wait for something, as
// [Worker.Cancel] does, and those that were woken and refused by Post. A task
// that would have to wait later is cancelled too. An executor calls it when it
// will run no more tasks, after [Environment.Close], and before it closes its arena; once it has begun to
// refuse tasks, what was refused is kept for this call. Calling it again does
// nothing, unless a handler has ended the goroutine of the first call, or panicked: then it
// goes on. It must not be called from a step function.
func (e *Environment) CancelWaiting(err error) {
	e.runtime.once.Do(func() { e.runtime.withdrawAll(err) })
	e.runtime.cancelUnclaimed(e.arena, err)
	e.runtime.registry.forgetWaitables()
}

func printError(err error) { fmt.Fprintln(os.Stderr, "coro: a task failed:", err) }

// mayEnd reports whether cause may ever return an error.
func (e *Environment) mayEnd() bool { return e.registry != &e.runtime.registry }

// cause returns why the tree, or the part of it that is a scope, should end, if it
// should.
func (e *Environment) cause() error {
	for r := e.registry; r != nil; r = r.outer {
		if r.cancelled.Load() {
			return r.cause
		}
		if r.ctx != nil && r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		if r.deadline != 0 && r.runtime.timing().now() >= r.deadline {
			return context.DeadlineExceeded
		}
	}
	return nil
}

func (e *Environment) context() context.Context {
	if e.scope != nil {
		return e.scope.context()
	}
	if e.ctx == nil {
		return context.Background()
	}
	return e.ctx
}
