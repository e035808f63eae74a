package coro

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/framearena/framearena/arena"
)

// Executor decides which goroutine runs tasks, and when. Package executor has several. A user's
// own needs these two methods, and a goroutine that calls [Worker.Run]. When it is closed, it
// calls [Environment.Close] and then [Environment.CancelWaiting].
type Executor interface {
	// Post takes a task that is ready to run, from any goroutine. It sees to it that Run or
	// Cancel of some worker is called for the task, once. If it returns an error, it has not
	// taken the task.
	Post(t Runnable) error

	// Environment returns the environment that [NewEnvironment] has made for this executor.
	Environment() *Environment
}

// Environment is what the tasks of a tree have in common: executor, allocator and context. A
// root gets it at its launch, a child copies it from its parent: one word in the frame refers
// to it. No state of a thread or a goroutine could belong to another tree.
//
// It does not change while a task of the tree lives, so any goroutine may read it. The executor
// keeps it alive or, if the launch had options, sharedPins or the pinned calls do.
type Environment struct {
	// ---- of the executor: the same in all its environments

	executor Executor
	arena    *arena.Arena
	runtime  *execRuntime
	relay    *Relay // the executor, if that is a Relay; otherwise nil

	// ---- of one way into the executor: the same for all launches on it; see View

	mark         Origin        // is added to the origin of tasks in PushLocal
	counted      bool          // kinds count the tasks
	profiled     bool          // frame profiles show the tasks
	onlyCompiled bool          // task functions that are not compiled fail
	handler      func(error)   // gets the errors of roots for which no caller waits; nil: the runtime's printer does
	results      resultHandler // gets the results of roots; nil: nobody does

	// ---- of the tree

	// allocator makes and frees the tree's frames, on any goroutine. If it is nil, frames come
	// from the arena, through the cache of the worker that runs the task.
	allocator arena.FrameAllocator

	ctx      context.Context // nil: none
	rootSize uintptr         // the least size of the root's frame, in bytes

	// around is the environment whose context is in force too, if this one was made for a
	// child with a context of its own; otherwise nil.
	around *Environment

	// shares is the sharedEnvironment that this is part of; nil: it is the executor's own.
	shares *sharedEnvironment
}

// NewEnvironment returns the environment of tasks that are launched on ex without options.
// Their frames come from a, and all workers of ex must be workers of a. handler is called with
// the error of each root for which no caller waits, on the worker's goroutine.
//
// Without a handler such errors are printed to standard error, with the kind of the root. Of
// each second the first 10 errors are printed in full. The others are counted, and one line has
// the counts by kind and error, when the second is over and in [Environment.FlushErrors].
func NewEnvironment(ex Executor, a *arena.Arena, handler func(error)) *Environment {
	rt := newExecRuntime(numStripes)
	return &Environment{executor: ex, arena: a, runtime: rt, handler: handler}
}

// View returns the environment of another way into the executor whose environment e is. ex is
// that way: an executor whose Post leads to the same workers. Tasks that are launched on ex
// have the executor's arena, clock, handler and lifetime, but they are posted to ex whenever
// they are ready. In a step they are given to PushLocal with [OriginMarked] in their origin. So
// an executor can treat some tasks in another way, such as urgent ones. The environment must
// live as long as the executor.
func (e *Environment) View(ex Executor) *Environment {
	view := *e
	view.executor, view.mark = ex, OriginMarked
	return &view
}

// SetClock makes c the clock of the executor's timers. A nil c is the real time. An executor
// calls it before it takes its first task.
func (e *Environment) SetClock(c Clock) {
	e.runtime.clock = nil
	if c != nil {
		e.runtime.clock = checkedClock{c}
	}
}

// SetSeed makes two runs alike whose tasks run in the same order and do the same: of the cases of a
// [Select] that can happen at once, one is chosen by a generator that begins with seed; and the
// tasks that the end of their context wakes are woken in the same order. It is for executors that
// run one task at a time. An executor calls it before it takes its first task.
func (e *Environment) SetSeed(seed uint64) { e.runtime.random = newSeededRandom(seed) }

// SetCounted makes [Stats] count all trees that are launched on the executor, whatever their
// options. An executor calls it before it takes its first task.
func (e *Environment) SetCounted() { e.counted = true }

// SetProfiled makes frame profiles show all trees that are launched on the executor, whatever
// their options. An executor calls it before it takes its first task.
func (e *Environment) SetProfiled() { e.counted, e.profiled = true, true }

// Now returns the time of the clock of the executor's timers, since an origin that is up to the
// clock. Any goroutine may call it.
func (e *Environment) Now() time.Duration { return e.runtime.timing().clock.Now() }

// Live returns the number of root tasks of the executor that were launched and have not ended.
// A root has ended when its caller or its handler has its outcome. Any goroutine may call it.
// While roots begin and end, the number may be that of a moment ago.
func (e *Environment) Live() int { return e.runtime.liveRoots() }

// Waiting returns an iterator over the tasks of the executor that wait for something, whatever
// the options of their launch. It leaves out tasks that run, tasks that are queued to run,
// tasks that await another, and generators.
//
// Any goroutine may use it, in a step function too, at any time. Tasks resume meanwhile: no
// lock is held in the loop's body, and none for long outside of it. So the loop does not show
// one moment. A task that waits all the time is in it once. One that begins to wait, or
// resumes, may be in it or not. One that does both may be in it again, and so may one that
// sleeps, when its time comes near.
//
// Tasks that wait pay nothing for it. A loop over a million tasks builds a million backtraces;
// [Environment.WaitingByKind] builds none.
func (e *Environment) Waiting() iter.Seq[WaitingTask] {
	return func(yield func(WaitingTask) bool) {
		e.runtime.visit(&visitor{of: e.runtime, sink: &taskList{yield: yield}})
	}
}

// WaitingByKind returns how many tasks of each sort [Environment.Waiting] would yield, the
// largest number first.
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

// Drain makes launches on the executor return err from now on, and waits until no root task is
// live. The tasks of live roots are not affected: they wait, sleep, are woken, spawn and await
// as before. [AwaitOn] by a task of the same executor is not a launch in this sense; AwaitOn by
// a task of another executor is one, and so is [Go] in a step.
//
// If ctx ends first, Drain returns its cause; launches are refused all the same, and Drain may
// be called again. If the executor was closed while roots were live, the error is err. Drain
// does not close the executor. Any goroutine may call it, but a step function or a handler must
// not: the root there would wait for itself.
func (e *Environment) Drain(ctx context.Context, err error) error {
	return e.runtime.drain(ctx, err)
}

// Close makes launches on the executor return err, whatever their options. It waits for
// launches that have begun to make a frame and have not posted it: the executor must still take
// or refuse what they post. An executor calls it when none of its own workers is in Run any
// more, and before it closes its arena. It must not be called in a step function.
func (e *Environment) Close(err error) { e.runtime.close(err) }

// CancelWaiting cancels all tasks of the executor that wait for something, as [Worker.Cancel]
// does, and those that were woken and that Post has refused. A task that would have to wait
// later is cancelled too. An executor calls it when it will run no more tasks, after
// [Environment.Close] and before it closes its arena. It has cancelled the tasks in its queues
// before, since task functions on goroutines may wait for these. Tasks that Post refuses before
// that call are kept for it. CancelWaiting returns when the task functions that run on goroutines
// have ended, unless it is called on one of these. A second call does nothing, unless a handler has
// ended the goroutine of the first call, or has panicked: then it continues. CancelWaiting must not
// be called in a step function.
func (e *Environment) CancelWaiting(err error) {
	e.runtime.once.Do(func() { e.runtime.withdrawAll(err) })
	e.runtime.cancelUnclaimed(e.arena, err)
	e.runtime.waitables.forgetAll(e.runtime)
	e.runtime.plain.wait()
	e.FlushErrors()
}

// FlushErrors prints the counts of errors that [NewEnvironment] describes and that are not
// printed yet, and returns when they are written. It does nothing if the executor has a handler.
// An executor calls it last when it is closed, so that nothing is lost if the program ends then.
// Any goroutine may call it.
func (e *Environment) FlushErrors() { e.runtime.printer.flush() }
