package coro

import (
	"strings"
	"unsafe"

	"github.com/framearena/framearena/internal/timerwheel"
)

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

// All waiting tasks can be found without a list of them: what they wait for is in a
// registry, for those who cancel. A visit goes through the executor's registry and
// those of its trees, through the waitables of each, and through the queue of each of
// those: all bit by bit, with one lock at a time. Map iterators and cursors remember
// where it was; what is entered or taken out meanwhile does not disturb them.
//
// The chain of a task that is in a queue does not change, since none of its tasks
// runs: whoever holds the queue's lock may look at it.

const (
	visitBatch = 256  // how many registries or waitables are copied under one lock
	visitLinks = 4096 // how many frames are looked at under one lock, or one chain
)

// visitor is one visit. It belongs to one goroutine.
type visitor struct {
	of   *execRuntime // whose tasks are looked for
	sink visitSink

	// registry is the one that is being visited.
	registry *waitRegistry

	// seen has the queues that were visited and are perhaps in another registry too;
	// nil if there is one registry.
	seen map[any]struct{}
}

// visitSink gets the tasks.
type visitSink interface {
	// see is called with the lock held of what the task of h waits for, and returns how
	// many frames it has looked at.
	see(h *header, what string) int

	// flush is called with no lock held, now and then and at last, and returns whether
	// more is wanted.
	flush() bool
}

// visit visits all tasks of the executor that wait.
func (x *execRuntime) visit(v *visitor) {
	var c cursor[waitRegistry]
	x.mu.Lock()
	c.at = x.trees
	x.cursors.add(&c)
	several := c.at != nil
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.cursors.remove(&c)
	}()
	if several {
		v.seen = make(map[any]struct{})
	}
	if !v.visit(&x.registry) {
		return
	}
	var batch []*waitRegistry
	for {
		x.mu.Lock()
		batch = batch[:0]
		for c.at != nil && len(batch) < visitBatch {
			batch = append(batch, c.at)
			c.at = c.at.next
		}
		x.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, r := range batch {
			// It may have become that of another tree, perhaps of another executor's:
			// then there is nothing to be found, or something new.
			if !v.visit(r) {
				return
			}
		}
	}
}

// visit visits the waitables in r, and returns whether more is wanted.
func (v *visitor) visit(r *waitRegistry) bool {
	v.registry = r
	var batch []waitable
	r.mu.Lock()
	for p := range r.set {
		if batch = append(batch, p); len(batch) < visitBatch {
			continue
		}
		r.mu.Unlock()
		if !v.visitAll(batch) {
			return false
		}
		batch = batch[:0]
		r.mu.Lock()
	}
	r.mu.Unlock()
	return v.visitAll(batch) && v.visitSleepers(r)
}

// visitSleepers visits the sleeping tasks of r's tree or, with the executor's registry, of
// all trees that have none of their own.
func (v *visitor) visitSleepers(r *waitRegistry) bool {
	if r == &v.of.registry {
		return v.visitTimers(v.of.timing())
	}
	var c cursor[sleeper]
	r.mu.Lock()
	c.at = r.sleepers.get()
	r.sleeperCursors.add(&c)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sleeperCursors.remove(&c)
	}()
	for {
		r.mu.Lock()
		for links := 0; links < visitLinks && c.at != nil; c.at = c.at.after.get() {
			links += v.see(sleeperTask(c.at), "Sleep")
		}
		ends := c.at == nil
		r.mu.Unlock()
		if !v.sink.flush() {
			return false
		}
		if ends {
			return true
		}
	}
}

// visitTimers visits the tasks that sleep in the wheel and are in no registry's list. It
// holds the lock for one list of the wheel at a time. Timers go from higher levels to
// lower ones, then to the list of those that are due, and so does the visit. One that moves
// meanwhile may be seen again, or be missed.
func (v *visitor) visitTimers(t *timers) bool {
	for i := timerwheel.Lists - 1; i >= 0; i-- {
		t.mu.Lock()
		t.wheel.Visit(i, func(n *timerwheel.Node) {
			if n.What&(timerListed|timerAfter) == 0 {
				v.see(sleeperTask((*sleeper)(unsafe.Pointer(n))), "Sleep")
			}
		})
		t.mu.Unlock()
		if !v.sink.flush() {
			return false
		}
	}
	return true
}

func (v *visitor) visitAll(batch []waitable) bool {
	for _, p := range batch {
		if !p.visit(v) {
			return false
		}
	}
	return v.sink.flush()
}

// see looks at a task that waits for what the caller holds the lock of.
func (v *visitor) see(h *header, what string) int {
	if h.env.get().runtime != v.of {
		return 1
	}
	if h.layout&flagProxy != 0 {
		if h.proxy() != h.proxy().selection().proxy(0) {
			return 1 // it is seen once, where its first case is
		}
		what = "Select"
	}
	return v.sink.see(h, what)
}

// visit does what waitable's method says for the tasks in q, which l guards. what
// names the operation.
func (q *fifo[V]) visit(l *lock, what string, v *visitor) bool {
	var c cursor[header]
	l.mu.Lock()
	if q.empty() {
		l.mu.Unlock()
		return true
	}
	if v.seen != nil {
		if _, ok := v.seen[q]; ok {
			l.mu.Unlock()
			return true
		}
		v.seen[q] = struct{}{}
	}
	c.at = q.frames.head
	q.cursors.add(&c)
	left := q.frames.Len() // so that it ends, if tasks come faster than it goes
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
			c.at = c.at.nextInQueue()
		}
		ends := left == 0 || c.at == nil
		l.mu.Unlock()
		if ends {
			return true
		}
		if !v.sink.flush() {
			return false
		}
	}
}

// visitOne does the same for what has place for one task, at *task. Without a name,
// that is one of this package's own, and its kind has the name. Where this was entered
// last is where the task is found, so that it is visited just once.
func (l *lock) visitOne(task **header, what string, v *visitor) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := *task
	if h == nil || l.registry != v.registry {
		return true
	}
	if what == "" {
		what = strings.TrimPrefix(h.kind.get().name, "coro.")
	}
	v.see(h, what)
	return true
}

func (m *Mutex) visit(v *visitor) bool { return m.waiters.visit(&m.lock, "Mutex.Lock", v) }

func (e *Event) visit(v *visitor) bool { return e.waiters.visit(&e.lock, "Event.Wait", v) }

func (c *Cond) visit(v *visitor) bool { return c.waiters.visit(&c.lock, "Cond.Wait", v) }

func (l *WaitGroup) visit(v *visitor) bool { return l.waiters.visit(&l.lock, "WaitGroup.Wait", v) }

func (s *Semaphore) visit(v *visitor) bool {
	return s.waiters.visit(&s.lock, "Semaphore.Acquire", v)
}

func (c *Chan[T]) visit(v *visitor) bool {
	return c.receivers.visit(&c.lock, "Chan.Recv", v) && c.senders.visit(&c.lock, "Chan.Send", v)
}

func (e *handleCompletion) visit(v *visitor) bool { return e.waiters.visit(&e.lock, "Handle.Await", v) }

func (s *wakerSlot) visit(v *visitor) bool { return s.lock.visitOne(&s.task, "Suspend", v) }

func (m *completion) visit(v *visitor) bool { return m.lock.visitOne(&m.task, "", v) }

// groupCounts is how many tasks of each sort a visit has seen.
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

func (c groupCounts) flush() bool { return true }

// taskList gives tasks to a loop. Under a lock it only notes their kinds.
type taskList struct {
	yield func(WaitingTask) bool
	tasks []notedTask // since the last flush
	kinds []*kind     // of the chains of all of them, one after the other
}

type notedTask struct {
	what    string
	kinds   int // how many of its chain are in kinds
	omitted int
}

func (l *taskList) see(h *header, what string) int {
	n := len(l.kinds)
	var omitted int
	l.kinds, omitted = h.appendChain(l.kinds)
	n = len(l.kinds) - n
	l.tasks = append(l.tasks, notedTask{what, n, omitted})
	return n + omitted
}

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
