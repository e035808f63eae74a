package coro

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Group is the children of a task that run beside it and beside each other. It is a field
// of the task's State, at most one in a State, and begins as the zero Group: [Spawn] adds
// a child, and [Group.Wait] waits until all have ended.
//
//	type page struct {
//		children coro.Group
//		text, images int
//	}
//	...
//	coro.Spawn(f, &s.children, Fetch, fetch{what: text}, &s.text)
//	coro.Spawn(f, &s.children, Fetch, fetch{what: images}, &s.images)
//	return s.children.Wait(f, 1)
//
// A task never ends before its children do: if it returns or fails while some are left, it
// stays until they have ended, and only then whoever awaits it goes on. An error of a child
// that no Wait has told the task is the task's own then, unless it has one.
//
// Without more, children do not influence each other, and Wait gives the first error of
// all. See [Group.Policy] for groups that cancel the other children when one has failed or
// succeeded, and [Group.Limit] for how many run at a time.
//
// All methods are for the step function of the Group's task.
type Group struct {
	// count goes down by one for each child that ends, on whatever goroutine, and up by
	// spawned when the task begins to wait for them. So it gets to 0 once: by the last
	// child, if the task waits, and otherwise by the task. Whoever does that goes on with
	// the task; everybody else must not touch the Group after its addition.
	count int32

	// spawned is how many children the task has made since it last waited; the task's.
	spawned int32

	// record is a link[groupRecord], for groups that have more to remember. It is set
	// once between two Waits, by compare-and-swap, and read by the task and its children.
	record uintptr

	winner uintptr // see Won; the task's, and written when all children have ended
}

// GroupPolicy says when the children of a [Group] are cancelled, and what Wait's error
// is.
type GroupPolicy uint8

const (
	// WaitForAll cancels nothing. The error is the first.
	WaitForAll GroupPolicy = iota

	// FirstError cancels the others when a child has failed, as a group of package
	// errgroup with a context does. The error is that child's.
	FirstError

	// FirstSuccess cancels the others when a child has ended without an error. If none
	// does, the error wraps all of theirs.
	FirstSuccess

	// FirstEnd cancels the others when a child has ended. The error is that child's.
	FirstEnd
)

// ErrGroupDecided is what children of a [Group] get from Err when the group needs no more
// of them. It wraps [context.Canceled].
var ErrGroupDecided = fmt.Errorf("coro: the group is decided: %w", context.Canceled)

// groupRecord is what a Group has on the Go heap, in a slot that is never given back.
type groupRecord struct {
	node *slotNode // this, in groupRecords

	policy GroupPolicy // the task's
	scope  *scope      // of the children, if the policy may cancel them; the task's

	// own is the error of the task that ended before its children; the task's, and read
	// when all children have ended.
	own error

	mu      sync.Mutex // guards what follows
	decided bool
	winner  uintptr // the address of the result of the child that decided
	err     error
	errs    []error // of FirstSuccess
	limit   int     // 0: none
	running int     // counted if there is a limit
	queued  Queue   // children beyond the limit
	room    *header // the task, if it waits for room
}

var groupRecords slots

func init() { groupRecords.init(newSlots[groupRecord]) }

// Spawn makes a task of kind k a child of f that runs beside it: on the same executor, with
// the same allocator and context. Its state begins as args; its result goes to *result,
// which must lie in f's state or held part, or nowhere if result is nil, and must not be
// looked at before Wait. g must be the Group in f's State.
//
// If there is no memory, the child counts as one that failed with [arena.ErrExhausted].
func Spawn[S, R, CS, CR any](f *Frame[S, R], g *Group, k *Kind[CS, CR], args CS, result *CR) {
	w := f.spawning(g)
	if c := f.spawn(w, g, &k.kind, unsafe.Pointer(result), unsafe.Sizeof(f.State)); c != nil {
		(*Frame[CS, CR])(unsafe.Pointer(c)).State = args
		g.start(w, c)
	}
}

// SpawnCall is [Spawn] for a call, of a kind of either sort, with the options of
// [AwaitCall].
func SpawnCall[S, R, CR any](f *Frame[S, R], g *Group, call Call[CR], result *CR, opts ...Option) {
	c := call.launchable()
	w := f.spawning(g)
	c.claim()
	f.spawnCall(w, g, c, unsafe.Pointer(result), unsafe.Sizeof(f.State), opts)
	c.recycle()
}

func (h *header) spawnCall(w *Worker, g *Group, call *call, result unsafe.Pointer, stateSize uintptr, opts []Option) {
	o := mergeForPart(opts)
	k := call.kind
	if o.allocator != nil {
		h.mayTake(k, result, stateSize)
		c := (*header)(o.allocator.Allocate(k.size))
		h.adopt(w, g, c, k, result, flagCustom)
		if c == nil {
			return
		}
		h.spawnIn(w, c, &o)
		call.fill(w, c)
		g.start(w, c)
		return
	}
	c := h.spawn(w, g, k, result, stateSize)
	if c == nil {
		return
	}
	if len(opts) > 0 {
		h.spawnIn(w, c, &o)
	}
	call.fill(w, c)
	g.start(w, c)
}

// spawnIn gives a child that was just made a scope of its own.
func (h *header) spawnIn(w *Worker, c *header, o *Option) {
	s := openScope(w, c.env.get(), o)
	c.env.set(&s.env)
	c.layout |= flagScope
}

// spawning checks that the step function of h may spawn, and returns its worker.
func (h *header) spawning(g *Group) *Worker {
	w := h.runningWorker()
	if h.group() != g {
		panic("coro: task " + quote(h.kind.get().name) + ": Spawn needs the Group that is a field of the task's own State")
	}
	if h.env.get().waiting.oneChain {
		panic("coro: task " + quote(h.kind.get().name) + ": a generator, and what it awaits, cannot spawn: a loop runs one chain of tasks only")
	}
	return w
}

// group returns the Group in h's state; nil if there is none.
func (h *header) group() *Group {
	offset := h.kind.get().groupOffset
	if offset == 0 {
		return nil
	}
	return (*Group)(unsafe.Add(unsafe.Pointer(h), offset))
}

func (h *header) mayTake(k *kind, result unsafe.Pointer, stateSize uintptr) {
	if result != nil && !h.holds(result, stateSize) && !h.holdsApart(result) {
		misplacedResult(h, k)
	}
}

// spawn makes the frame of a child, or returns nil.
func (h *header) spawn(w *Worker, g *Group, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	h.mayTake(k, result, stateSize)
	var c *header
	layout := h.layout & inheritedFlags
	if layout&flagCustom != 0 {
		c = (*header)(h.env.get().allocator.Allocate(k.size))
	} else {
		if c = (*header)(w.cache.TryAllocateAt(k.place)); c == nil {
			c = (*header)(w.cache.Allocate(k.capacity))
		}
		layout |= k.room
	}
	h.adopt(w, g, c, k, result, layout)
	return c
}

// adopt makes c, which may be nil, a child of h in g.
func (h *header) adopt(w *Worker, g *Group, c *header, k *kind, result unsafe.Pointer, layout uint32) {
	h.layout |= flagGroup
	g.spawned++
	if c == nil {
		w.childFailed(h, g, arena.ErrExhausted)
		return
	}
	*c = header{env: h.env, result: uintptr(result), layout: layout | flagSpawned}
	c.kind.set(k)
	c.parent.set(h)
	if layout&flagCounted != 0 {
		c.countStart(w)
	}
	if r := g.known(); r != nil && r.scope != nil {
		c.env.set(&r.scope.env)
	}
}

// childFailed is told of a child that will not begin. The step function of its parent is
// running.
func (w *Worker) childFailed(h *header, g *Group, err error) {
	g.note(w, 0, err)
	atomic.AddInt32(&g.count, -1) // not to 0: the task does not wait
}

// start makes c run, or wait for its turn.
func (g *Group) start(w *Worker, c *header) {
	if r := g.known(); r != nil && !r.admit(c) {
		return
	}
	env := c.env.get()
	if w.serves(env.waiting) {
		w.pushLocal(Task{c}, env, Spawned)
		return
	}
	if err := env.executor.Post(Task{c}); err != nil {
		current, failed := w.current, w.err // a step is running
		w.Cancel(Task{c}, err)
		w.current, w.err = current, failed
	}
}

// admit reports whether c may run, or queues it.
func (r *groupRecord) admit(c *header) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit == 0 {
		return true
	}
	if r.running < r.limit {
		r.running++
		return true
	}
	r.queued.Push(Task{c})
	return false
}

// Policy sets what p says for the children that are spawned until the next Wait. It is
// called before the first of them.
func (g *Group) Policy(f Waiter, p GroupPolicy) {
	h := f.waiter()
	w := h.spawning(g)
	if p > FirstEnd {
		panic("coro: there is no such GroupPolicy")
	}
	if g.spawned != 0 {
		panic("coro: task " + quote(h.kind.get().name) + ": Policy after Spawn: set it before the first child, and again after each Wait")
	}
	r := g.need(w)
	h.layout |= flagGroup
	r.policy = p
	if p != WaitForAll && r.scope == nil {
		r.scope = openScope(w, h.env.get(), &Option{})
	}
}

// Limit lets at most n children run at a time, until the next Wait; those beyond wait for
// their turn, each in its frame. It is called before the first of them. See [Group.WaitRoom]
// for how not to spawn faster than they end.
func (g *Group) Limit(f Waiter, n int) {
	h := f.waiter()
	w := h.spawning(g)
	if n <= 0 {
		panic("coro: task " + quote(h.kind.get().name) + ": Limit needs a positive number")
	}
	if g.spawned != 0 {
		panic("coro: task " + quote(h.kind.get().name) + ": Limit after Spawn: set it before the first child, and again after each Wait")
	}
	h.layout |= flagGroup
	g.need(w).limit = n
}

// Cancel cancels the children: those that wait go on with the cause, those that have not
// begun do not. The group needs a policy other than [WaitForAll]. The task still has to
// Wait, or to end.
func (g *Group) Cancel(f Waiter, cause error) {
	h := f.waiter()
	h.spawning(g)
	r := g.known()
	if r == nil || r.scope == nil {
		panic("coro: task " + quote(h.kind.get().name) + ": Cancel of a Group without a Policy: set one, other than WaitForAll, before the first child")
	}
	if cause == nil {
		cause = context.Canceled
	}
	r.scope.cancel(cause)
}

// Won reports whether the child whose result goes to result has decided the group of the
// last Wait: it is the first that failed, succeeded or ended, as the policy says. result
// is an address that was given to Spawn, for this child only.
func Won[R any](g *Group, result *R) bool {
	return result != nil && g.winner == uintptr(unsafe.Pointer(result))
}

// Wait waits until all children have ended, and goes on in f at the resume point at. f.Err
// gives the error that the policy says. If the tree's context ends, Wait waits all the
// same, since the children learn of it.
func (g *Group) Wait(f Waiter, at int) Step {
	h := f.waiter()
	g.mustBeOf(h)
	return h.waitFor(at, groupWait{})
}

func (g *Group) mustBeOf(h *header) {
	if h.group() != g {
		panic("coro: task " + quote(h.kind.get().name) + ": Wait needs the Group that is a field of the task's own State")
	}
}

// WaitRoom waits until fewer children than the limit are there, running or waiting for
// their turn, and goes on in f at the resume point at: for a task that spawns many and is
// to have no more of them than that.
func (g *Group) WaitRoom(f Waiter, at int) Step {
	h := f.waiter()
	g.mustBeOf(h)
	return h.waitFor(at, groupRoom{})
}

type groupWait struct{}

func (groupWait) park(w *Worker, h *header) parking {
	g := h.group()
	n := g.spawned
	g.spawned = 0
	if atomic.AddInt32(&g.count, n) != 0 {
		return parked
	}
	g.ended(w, h)
	return parkDone
}

type groupRoom struct{}

func (groupRoom) park(_ *Worker, h *header) parking {
	r := h.group().known()
	if r == nil {
		return parkDone
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.limit == 0 || r.running < r.limit {
		return parkDone
	}
	r.room = h
	return parked
}

// childEnded is told that a child of h has ended and its frame is gone. It returns a frame
// to run next, if any: that of h, or of another child. If h has ended itself, it is to be
// finished, with w.err.
func (w *Worker) childEnded(h *header, result uintptr, err error) *header {
	g := h.group()
	var next *header
	if err != nil || atomic.LoadUintptr(&g.record) != 0 {
		next = g.note(w, result, err)
	}
	if atomic.AddInt32(&g.count, -1) != 0 {
		return next
	}
	g.ended(w, h)
	return h
}

// ended is called when all children have ended, by whoever goes on with the task of h, so
// that nobody else uses the record. It ends the use of that, and leaves the error, if there
// is one, to the next step.
func (g *Group) ended(w *Worker, h *header) {
	h.layout &^= flagGroup
	g.winner = 0
	r := g.known()
	if r == nil {
		return
	}
	g.winner = r.winner
	err := r.outcome()
	if r.own != nil {
		err = r.own
	}
	s := r.scope
	errs := r.errs
	clear(errs)
	node := r.node
	r.policy, r.scope, r.own, r.decided, r.winner = 0, nil, nil, false, 0
	r.err, r.errs, r.limit, r.running = nil, errs[:0], 0, 0
	g.record = 0
	if s != nil {
		s.close(w)
	}
	groupRecords.put(w, node)
	if err != nil {
		w.err = err
		h.at |= atFailed
	}
}

// outcome returns the error of the group.
func (r *groupRecord) outcome() error {
	if r.policy == FirstSuccess && !r.decided {
		return errors.Join(r.errs...)
	}
	return r.err
}

// endGroup is told that the task of h is about to end with err. If it has children left,
// wait is true: the last of them will finish it. Otherwise it returns the error to end
// with.
func (w *Worker) endGroup(h *header, err error) (_ error, wait bool) {
	g := h.group()
	if err != nil {
		r := g.need(w)
		r.own = err
		if r.scope != nil {
			r.scope.cancel(ErrGroupDecided)
		}
	}
	w.err = nil
	w.current = 0
	h.layout |= flagEnding
	n := g.spawned
	g.spawned = 0
	if atomic.AddInt32(&g.count, n) != 0 {
		return nil, true
	}
	g.ended(w, h)
	err = w.err
	w.err = nil
	return err, false
}

// note is told how a child has ended, and returns a frame to run next, if any. The child
// is still counted, so the group is there.
func (g *Group) note(w *Worker, result uintptr, err error) *header {
	r := g.need(w)
	r.mu.Lock()
	decides := r.decide(result, err)
	r.mu.Unlock()
	s := r.scope
	if decides && s != nil {
		s.cancel(ErrGroupDecided)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s != nil && s.tree.cancelled.Load() {
		g.drop(w, r)
	}
	next := r.nextChild()
	if next == nil && r.room != nil && (r.limit == 0 || r.running < r.limit) {
		next, r.room = r.room, nil
	}
	return next
}

// drop ends the children of a cancelled group that have not begun. The caller holds mu.
func (g *Group) drop(w *Worker, r *groupRecord) {
	n := int32(0)
	for {
		t, ok := r.queued.Pop()
		if !ok {
			break
		}
		r.decide(t.h.result, r.scope.tree.cause)
		w.discard(t.h)
		n++
	}
	atomic.AddInt32(&g.count, -n) // not to 0: see note
}

// decide takes a child's outcome, and reports whether that decides the group. The caller
// holds mu.
func (r *groupRecord) decide(result uintptr, err error) bool {
	if r.decided {
		return false
	}
	switch r.policy {
	case FirstSuccess:
		if err != nil {
			r.errs = append(r.errs, err)
			return false
		}
	case FirstEnd:
	default:
		if err == nil {
			return false
		}
	}
	r.decided = true
	r.err = err
	r.winner = result
	return true
}

// nextChild returns the child whose turn it is now that one has ended. The caller holds
// mu.
func (r *groupRecord) nextChild() *header {
	if r.limit == 0 {
		return nil
	}
	t, ok := r.queued.Pop()
	if !ok {
		r.running--
	}
	return t.h
}

// known returns the record, or nil if there is none.
func (g *Group) known() *groupRecord {
	l := link[groupRecord](atomic.LoadUintptr(&g.record))
	return l.get()
}

// need returns the record, which it makes if there is none.
func (g *Group) need(w *Worker) *groupRecord {
	if r := g.known(); r != nil {
		return r
	}
	n := groupRecords.take(w)
	r := &slotOf[groupRecord](n).held
	r.node = n
	var l link[groupRecord]
	l.set(r)
	if !atomic.CompareAndSwapUintptr(&g.record, 0, uintptr(l)) { // another child was faster
		r.node = nil
		groupRecords.put(w, n)
		return g.known()
	}
	return r
}

var groupType = reflect.TypeFor[Group]()

// groupOffset returns where in a frame the Group in its state lies, or 0 if there is none.
func groupOffset(name string, state reflect.Type, stateOffset uintptr) uintptr {
	found := groupsIn(state, stateOffset, nil)
	if len(found) > 1 {
		panic("coro: task " + quote(name) + ": its state has more than one Group: make one of them that of a task of its own")
	}
	if len(found) == 0 {
		return 0
	}
	return found[0]
}

func groupsIn(t reflect.Type, offset uintptr, found []uintptr) []uintptr {
	switch {
	case t == groupType:
		found = append(found, offset)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			found = groupsIn(t.Field(i).Type, offset+t.Field(i).Offset, found)
		}
	case t.Kind() == reflect.Array && t.Len() > 0:
		// Two are as wrong as a million.
		for i := range min(t.Len(), 2) {
			found = groupsIn(t.Elem(), offset+uintptr(i)*t.Elem().Size(), found)
		}
	}
	return found
}
