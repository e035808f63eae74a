package coro

import (
	"unsafe"

	"github.com/framearena/framearena/internal/timerwheel"
)

// All waiting tasks can be found without a list of them: what they wait for is in the executor's
// waitables, for its closer, or in its timer wheel. A visit goes through the waitables, and
// through the queues of each of those, and through the wheel. It holds one lock at a time, and
// each for a bounded number of elements. Map iterators and cursors remember the place in between;
// elements that come or go meanwhile do not disturb them.
//
// The chain from a task in a queue to its root does not change, since none of these tasks
// runs. So a goroutine that holds the queue's lock may read it.

// WaitingTask is a task that waits.
type WaitingTask struct {
	// What is the operation that it waits in, by its name in this package:
	// "Mutex.Lock", "Chan.Recv", "Suspend", "Blocking".
	What string

	// Backtrace is the chain from the task that waits to its root.
	Backtrace Backtrace
}

// WaitingGroup is how many tasks are alike in these respects.
type WaitingGroup struct {
	Kind KindInfo // of the task that waits
	Root KindInfo // of the root of its tree
	What string   // as in [WaitingTask]
	N    int      // how many there are
}

const (
	visitBatch = 256  // how many registries or waitables a visit copies under one lock
	visitLinks = 4096 // how many frames it reads under one lock; more only if one chain is longer
)

// visitor is one visit. It belongs to one goroutine.
type visitor struct {
	of   *execRuntime // the executor whose tasks are wanted
	sink visitSink

	on waitable // that is being visited

	// stamps stamps the tasks that are seen, and says how long they have waited; nil: it does not.
	stamps *stamper

	own int // how many tasks of the executor were found, those in a Select once for each case
}

// visitSink gets the tasks.
type visitSink interface {
	// see gets the task of h, which waits in the operation of the given name. The caller
	// holds the lock of what the task waits for. see returns how many frames it has read.
	see(h *header, what string) int

	// queue is called after the n tasks of the executor in a queue of the waitable on were visited,
	// if n > 0. Tasks in a Select count in the queues of all of its cases. The caller holds the
	// lock of on.
	queue(on waitable, what string, n int)

	// flush is called with no lock held, now and then and at the end. It reports whether
	// the visit shall continue.
	flush() bool
}

// visit visits all tasks of the executor that wait.
func (rt *execRuntime) visit(v *visitor) {
	all := &rt.waitables
	var batch []waitable
	all.mu.Lock()
	for l := range all.set {
		if batch = append(batch, l.of); len(batch) < visitBatch {
			continue
		}
		all.mu.Unlock()
		if !v.visitAll(batch) {
			return
		}
		batch = batch[:0]
		all.mu.Lock()
	}
	all.mu.Unlock()
	if v.visitAll(batch) {
		v.visitTimers(rt.timing())
	}
}

// visitTimers visits the sleeping tasks. It holds the lock for one list of the wheel at a time.
// Timers move from higher levels to lower ones, then to the list of those that are due, and the
// visit takes the same way. A timer that moves meanwhile may be seen again, or be missed.
func (v *visitor) visitTimers(t *timers) {
	for i := timerwheel.Lists - 1; i >= 0; i-- {
		t.mu.Lock()
		t.wheel.Visit(i, func(n *timerwheel.Node) {
			if n.What&timerTask != 0 {
				v.seeSleeper((*sleeper)(unsafe.Pointer(n)))
			}
		})
		t.mu.Unlock()
		if !v.sink.flush() {
			return
		}
	}
}

// seeSleeper shows the task of n to the sink, as see does. The caller holds the lock of the
// wheel.
func (v *visitor) seeSleeper(n *sleeper) int {
	what := "Sleep"
	if n.What&timerSelect != 0 {
		what = "Select"
	}
	return v.see(sleeperTask(n), what)
}

func (v *visitor) visitAll(batch []waitable) bool {
	for _, p := range batch {
		if v.on = p; !p.visit(v) {
			return false
		}
	}
	return v.sink.flush()
}

// see shows one task to the sink, if it is one of the executor's, and returns how many frames
// were read. The caller holds the lock of what the task waits for.
func (v *visitor) see(h *header, what string) int {
	if h.env.get().runtime != v.of {
		return 1
	}
	v.own++
	if h.layout&flagProxy != 0 {
		s := h.proxy().selection()
		if h.proxy() != s.proxy(0) {
			return 1 // a task in a Select is seen once: where its first case is
		}
		h, what = s.task.get(), "Select" // drop needs the lock before anybody touches the task
	}
	if v.stamps != nil {
		v.stamps.stamp(h)
	}
	return v.sink.see(h, what)
}

// visit does what waitable.visit says for the tasks in q, which l guards. They wait in the
// operation of the given name.
func (q *fifo[V]) visit(l *lock, what string, v *visitor) bool {
	var c cursor[header]
	l.mu.Lock()
	if q.empty() {
		l.mu.Unlock()
		return true
	}
	c.at = q.head
	q.cursors.add(&c)
	left := q.n // a bound, in case tasks come faster than the visit proceeds
	before := v.own
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		q.cursors.remove(&c)
	}()
	for {
		l.mu.Lock()
		for links := 0; links < visitLinks && left > 0 && c.at != nil; left-- {
			links += v.see(c.at, what)
			c.at = c.at.nextInWait()
		}
		ends := left == 0 || c.at == nil
		if n := v.own - before; ends && n > 0 {
			v.sink.queue(v.on, what, n)
		}
		l.mu.Unlock()
		if ends {
			return true
		}
		if !v.sink.flush() {
			return false
		}
	}
}

// groupCounts counts the tasks of each sort that a visit has seen.
type groupCounts map[group]int

type group struct {
	kind, root *kind
	what       string
}

func (c groupCounts) see(h *header, what string) (links int) {
	g := group{kind: h.kind.get(), what: what}
	for ; h != nil; h = h.parent.get() {
		g.root = h.kind.get()
		links++
	}
	c[g]++
	return links
}

func (c groupCounts) queue(waitable, string, int) {}

func (c groupCounts) flush() bool { return true }

// taskList gives the tasks to a loop, in flush. Under a lock, in see, it only notes their kinds.
type taskList struct {
	yield func(WaitingTask) bool
	tasks []notedTask // since the last flush
	kinds []*kind     // of the chains of all of them, one after the other
}

type notedTask struct {
	what    string
	kinds   int // how many kinds of its chain are in taskList.kinds
	omitted int // how many are not
}

func (l *taskList) see(h *header, what string) int {
	n := len(l.kinds)
	var omitted int
	l.kinds, omitted = h.appendChain(l.kinds)
	n = len(l.kinds) - n
	l.tasks = append(l.tasks, notedTask{what, n, omitted})
	return n + omitted
}

func (l *taskList) queue(waitable, string, int) {}

func (l *taskList) flush() bool {
	kinds := l.kinds
	for _, t := range l.tasks {
		if !l.yield(WaitingTask{What: t.what, Backtrace: newBacktrace(kinds[:t.kinds], t.omitted)}) {
			return false
		}
		kinds = kinds[t.kinds:]
	}
	l.tasks, l.kinds = l.tasks[:0], l.kinds[:0]
	return true
}
