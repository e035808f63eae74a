package coro

import (
	"cmp"
	"iter"
	"slices"
	"strings"
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

// Waiting returns an iterator over the tasks of the executor, whatever the options of
// their launch, that wait for something. Tasks that run, that are queued to run, or
// that await one that is, are not among them, nor are those of generators.
//
// It may be used from any goroutine, and in a step function, at any time: tasks go on
// meanwhile, no lock is held in the loop's body, and none for long outside of it. So
// it is no picture of one moment. A task that waits all the time is in it once; one
// that begins to wait, or goes on, may or may not be, and one that does both may be
// in it again.
//
// It costs tasks that wait nothing. A loop over a million builds a million backtraces;
// [Environment.WaitingByKind] does not.
func (e *Environment) Waiting() iter.Seq[WaitingTask] {
	return func(yield func(WaitingTask) bool) {
		e.waiting.visit(&visitor{of: e.waiting, sink: &taskList{yield: yield}})
	}
}

// WaitingByKind returns how many tasks [Environment.Waiting] would give of each sort,
// the largest number first.
func (e *Environment) WaitingByKind() []WaitingGroup {
	counts := make(groupCounts)
	e.waiting.visit(&visitor{of: e.waiting, sink: counts})
	groups := make([]WaitingGroup, 0, len(counts))
	for g, n := range counts {
		groups = append(groups, WaitingGroup{g.kind.info(), g.root.info(), g.what, n})
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
	of   *waiting // whose tasks are looked for
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
func (x *waiting) visit(v *visitor) {
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
	return v.visitAll(batch)
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
	if h.env.get().waiting != v.of {
		return 1
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
			c.at = c.at.nextTask()
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

func (l *Latch) visit(v *visitor) bool { return l.waiters.visit(&l.lock, "Latch.Wait", v) }

func (s *Semaphore) visit(v *visitor) bool {
	return s.waiters.visit(&s.lock, "Semaphore.Acquire", v)
}

func (c *Chan[T]) visit(v *visitor) bool {
	return c.receivers.visit(&c.lock, "Chan.Recv", v) && c.senders.visit(&c.lock, "Chan.Send", v)
}

func (s *wakerSlot) visit(v *visitor) bool { return s.lock.visitOne(&s.task, "Suspend", v) }

func (m *meeting) visit(v *visitor) bool { return m.lock.visitOne(&m.task, "", v) }

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
