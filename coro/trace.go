package coro

import (
	"context"
	"runtime/pprof"
	"runtime/trace"
	"sync/atomic"
	"unsafe"
)

// While an execution trace is taken, or profiles are to have labels, tasks run in a
// step loop of its own, stepsTraced. Which loop it is is decided when a worker begins
// to run a chain of tasks. So the ordinary loop knows nothing of this, and a chain
// that runs for long is not in the trace before it waits, yields or ends.

// labelling says whether goroutines get labels. Anyone stores it, workers look at it
// before they run something. It guards nothing.
var labelling atomic.Bool

// SetProfileLabels makes goroutines have labels while they run step functions, for
// CPU and goroutine profiles of package runtime/pprof: "task kind" is the name of the
// task's kind and "root kind" that of the kind of its tree's root. It concerns tasks
// that begin to run, or go on after a wait, from now on, but not those of generators:
// these are run by a loop, and count as part of it.
//
// As Go has no way to ask a goroutine for its labels, it has none after a task has
// run. That matters on an executor that runs tasks on the caller's goroutine, which
// may have had some: set them again by [pprof.SetGoroutineLabels].
//
// A task costs what it always does as long as this is off, which it is at first. It
// may be called from any goroutine.
func SetProfileLabels(on bool) { labelling.Store(on) }

// watched reports whether what begins to run now is to be run by stepsTraced.
func tracingOrLabelling() bool { return trace.IsEnabled() || labelling.Load() }

// watch is one run of stepsTraced. It is on the stack of that.
type stepTrace struct {
	trace  context.Context // has the trace.Task of the tree, if there is one
	labels bool
	root   *kind // what labels need to know
	last   *kind // whose labels the goroutine has; nil: it has none of ours
}

// stepsTraced is steps for the rare case. A step is a region of the trace, which has
// the kind's name and lies in the trace's task of the tree.
func (w *Worker) stepsTraced(h *header, labels bool) {
	watch := stepTrace{trace: h.env.get().traceContext(), labels: labels}
	if labels {
		for r := h; r != nil; r = r.parent.get() {
			watch.root = r.kind.get()
		}
		defer pprof.SetGoroutineLabels(context.Background()) // also after a panic or a Goexit
	}
	for h != nil {
		h.worker.set(w)
		w.current = uintptr(unsafe.Pointer(h))
		s := w.tracedStep(h, &watch)
		expected := uintptr(unsafe.Pointer(s.next))
		if s.op == opAwait {
			expected |= currentIsChild
		}
		if w.current != expected {
			panic(w.foreignStep(s))
		}
		switch s.op {
		case opAwait:
			h = s.next
		case opReturn:
			h = w.finish(s.next, nil)
		default:
			h = w.otherStep(s.next, s.op)
		}
	}
}

// watchedStep calls the step function of h. The region ends whether or not it
// returns: one that did not would seem to contain all that follows.
func (w *Worker) tracedStep(h *header, watch *stepTrace) Step {
	k := h.kind.get()
	if watch.labels && watch.last != k {
		pprof.SetGoroutineLabels(w.labelsOf(k, watch.root))
		watch.last = k
	}
	if trace.IsEnabled() {
		defer trace.StartRegion(watch.trace, k.name).End()
	}
	return k.step(h)
}

// labelled is what a goroutine's labels depend on.
type labelled struct{ kind, root *kind }

// labelsOf returns a context with the labels for tasks of a kind in trees with a root
// of another. It is made once by each worker: there are few such pairs.
func (w *Worker) labelsOf(k, root *kind) context.Context {
	ctx, ok := w.labels[labelled{k, root}]
	if !ok {
		ctx = pprof.WithLabels(context.Background(), pprof.Labels("root kind", root.name, "task kind", k.name))
		if w.labels == nil {
			w.labels = make(map[labelled]context.Context)
		}
		w.labels[labelled{k, root}] = ctx
	}
	return ctx
}

// traced is the task of a trace that a tree is. It is the call's that carries the
// tree's environment: others have no memory for it. It is written before the root is
// posted and after it has ended.
type treeTrace struct {
	ctx  context.Context
	task *trace.Task
}

// begin makes the launched tree a task of the trace, if one is being taken. It is a
// part of the one in the tree's context, if there is one.
func (t *treeTrace) begin(env *Environment, k *kind) {
	if trace.IsEnabled() {
		t.ctx, t.task = trace.NewTask(env.context(), k.name)
	}
}

func (t *treeTrace) end() {
	if t.task != nil {
		t.task.End()
		*t = treeTrace{}
	}
}

// traceContext returns a context with the task of the trace that the tree is, or is a
// part of.
func (e *Environment) traceContext() context.Context {
	if e.call != nil && e.call.trace.ctx != nil {
		return e.call.trace.ctx
	}
	return e.context()
}
