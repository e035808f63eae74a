package coro

// Local is the queue of one worker. An executor that has such queues gives them to
// [Worker.SetLocalQueue]: then tasks that become ready in a step of the worker go there, and
// not to [Executor.Post].
type LocalQueue interface {
	// PushLocal takes a task, as Post does, but cannot refuse. It is called on the
	// goroutine that is in the worker's Run or Cancel.
	PushLocal(t Runnable, from Origin)
}

// LocalPopper is a [LocalQueue] from which the worker may take the next task by itself, when one
// has ended or waits and before Run returns. That spares the way through the executor's own
// loop.
type LocalPopper interface {
	LocalQueue

	// PopLocal takes a task for the worker to run now, as [Worker.Run] would, or returns
	// false: then Run returns. It is called on the goroutine that is in Run.
	PopLocal() (Runnable, bool)
}

// Origin says why a task is ready, and may have Marked besides.
type Origin uint8

const (
	OriginWoken      Origin = iota // by the running task, which may have just written what this one will read
	OriginSpawned                  // by the running task, which may wait for it soon
	OriginYielded                  // it was running, and lets the others go first
	OriginConcurrent               // by the running step, which goes on: any worker may run it at once

	// Marked is part of the origin of tasks that were launched on a view. See
	// [Environment.View].
	OriginMarked Origin = 1 << 7
)

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

// SetLocalQueue makes l the queue for tasks of the executor whose environment env is. It is
// called before the first Run. Tasks of other executors are posted to these.
func (w *Worker) SetLocalQueue(env *Environment, l LocalQueue) {
	w.local, w.home = l, env.runtime
	w.source, _ = l.(LocalPopper)
	w.home.roots.addWorker(w)
}

// pushLocal takes a task of environment env, whose executor, or the one that this is a
// layer on, w serves.
func (w *Worker) pushLocal(t Runnable, env *Environment, from Origin) {
	if env.relay != nil {
		env.relay.pushLocal(w, t, from)
		return
	}
	w.local.PushLocal(t, from|env.mark)
}

// serves reports whether w has a queue for tasks of x's executor, or for the turns of
// layers on it. w may be nil.
func (w *Worker) serves(x *execRuntime) bool { return w != nil && w.home == x }
