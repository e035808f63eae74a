package coro

// While an execution trace is taken, or goroutines get labels for profiles, tasks run in a step
// loop of their own, stepsTraced. So the ordinary loop, in steps, does not test for either.
//
// A Run decides which of the two loops it uses when it begins, and again after a panic. A chain
// that is already running in the ordinary loop stays in it until it waits, yields or ends, and
// so do the tasks that the worker takes from its own queue before Run returns. They are not in the
// trace, and have no labels. A loop over a generator decides when the loop begins.

import (
	"context"
	"runtime/pprof"
	"runtime/trace"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/printable"
)

// labelling reports whether goroutines get labels. SetProfileLabels stores it, on any goroutine.
// Workers load it when a Run begins. No other memory depends on it: a worker that misses a
// store runs one more chain in the way it did before.
var labelling atomic.Bool

// SetProfileLabels sets whether goroutines have labels while they run step functions, for CPU and
// goroutine profiles of package runtime/pprof. The label "task kind" is the name of the task's
// kind, and "root kind" is the name of the kind of its tree's root. The call has an effect on
// tasks that begin to run, or resume after a wait, from now on. It has none on generators: a loop
// runs them, and they count as a part of it.
//
// Go has no way to read a goroutine's labels, so a goroutine has no labels after it has run a
// task. That matters on an executor that runs tasks on the caller's goroutine: if the caller had
// labels, it sets them again with [pprof.SetGoroutineLabels].
//
// At first, labels are off, and then they cost nothing. Any goroutine may call SetProfileLabels.
func SetProfileLabels(on bool) { labelling.Store(on) }

// tracingOrLabelling reports whether a chain that begins to run now is to run in stepsTraced.
func tracingOrLabelling() bool { return trace.IsEnabled() || labelling.Load() }

// stepTrace is what one call of stepsTraced knows. It is on that call's stack.
type stepTrace struct {
	trace  context.Context // has the trace.Task of the tree, if there is one
	labels bool            // the goroutine gets labels
	root   *kind           // of the tree's root, for the labels
	last   *kind           // whose labels the goroutine has now; nil: none from this call
}

// stepsTraced is steps while a trace is taken or goroutines get labels. A step is a region of the
// trace: it has the kind's name, and lies in the trace's task of the tree.
func (w *Worker) stepsTraced(h *header, labels bool) {
	run := stepTrace{trace: h.env.traceContext(), labels: labels}
	if labels {
		for r := h; r != nil; r = r.parent.get() {
			run.root = r.kind.get()
		}
		defer pprof.SetGoroutineLabels(context.Background()) // also after a panic or a Goexit
	}
	for h != nil {
		h.worker.set(w)
		w.current = uintptr(unsafe.Pointer(h))
		s := w.tracedStep(h, &run)
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
			h = w.finish(s.next.withoutStep(), nil)
		default:
			h = w.otherStep(s.next, s.op)
		}
	}
}

// tracedStep calls the step function of h. The region ends even if the step function panics or
// calls Goexit: a region that does not end would contain all that follows on the goroutine.
func (w *Worker) tracedStep(h *header, run *stepTrace) Step {
	k := h.kind.get()
	if run.labels && run.last != k {
		pprof.SetGoroutineLabels(w.labelsOf(k, run.root))
		run.last = k
	}
	if trace.IsEnabled() {
		defer trace.StartRegion(run.trace, printable.Text(k.name)).End()
	}
	return k.step(h)
}

// labelled identifies a set of labels: the kinds of the task and of the root.
type labelled struct{ kind, root *kind }

// labelsOf returns a context with the labels for tasks of kind k in trees whose root is of kind
// root. Each worker makes it once and keeps it: there are few such pairs. The worker's
// goroutine calls it.
func (w *Worker) labelsOf(k, root *kind) context.Context {
	ctx, ok := w.labels[labelled{k, root}]
	if !ok {
		ctx = pprof.WithLabels(context.Background(), pprof.Labels("root kind", printable.Text(root.name), "task kind", printable.Text(k.name)))
		if w.labels == nil {
			w.labels = make(map[labelled]context.Context)
		}
		w.labels[labelled{k, root}] = ctx
	}
	return ctx
}

// treeTrace is the trace.Task for a tree of tasks. It is a part of a
// sharedEnvironment that no other tree shares then; trees launched without options have none. It is written before the root
// is posted and after the root has ended. Workers that run tasks of the tree read ctx in between.
type treeTrace struct {
	ctx  context.Context
	task *trace.Task
}

// begin begins a trace.Task for the tree with env, whose root is of kind k, if a trace is being
// taken. If the tree's context has a trace.Task, the new one is a part of that.
func (t *treeTrace) begin(env *Environment, k *kind) {
	if trace.IsEnabled() {
		t.ctx, t.task = trace.NewTask(env.context(), printable.Text(k.name))
	}
}

// end ends the trace.Task, if there is one.
func (t *treeTrace) end() {
	if t.task != nil {
		t.task.End()
		*t = treeTrace{}
	}
}

// traceContext returns a context with the trace.Task of the tree or, if the tree has none of its
// own, with the one that is in the tree's context, if any.
func (e *envRef) traceContext() context.Context {
	if s := e.get().shares; s != nil && s.trace != nil && s.trace.ctx != nil {
		return s.trace.ctx
	}
	return e.context()
}
