package coro

import (
	"context"
	"fmt"
	"reflect"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/interleave"
)

// Group holds the children of a task that run beside it and beside each other. It is a field
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
// A task never ends before its children do: if it returns or fails while some are left, its
// frame stays until they have ended, and only then the awaiting task resumes. The frame's
// State and held part stay too, because results of children go there. If a child has failed
// and no Wait has reported it, its error becomes the task's, unless the task has failed
// itself.
//
// Without a policy, children do not influence each other, and Wait gives the first error.
// See [Group.SetPolicy] for groups that cancel the other children when one has failed or
// succeeded, and [Group.SetLimit] for the number of children that run at a time.
//
// All methods are for the step function of the Group's task. While there are children, the
// Group must not be assigned to, nor the State that it is part of: that panics, at the next
// use of the Group.
type Group struct {
	// count counts the children: see group_end.go. Workers on which children end subtract
	// from it, and the task adds, always atomically. The worker whose addition gives 0
	// resumes the task; no other may touch the Group after its own addition.
	count int32

	// spawned is how many children the task has made since it last waited, less those that fold
	// has taken off. The task's.
	spawned int32

	// record is a link[groupRecord], or 0. The task, or the first child that needs a record,
	// sets it by compare-and-swap from 0; the task and its children read it. The worker
	// whose addition made count 0 clears it.
	record uintptr

	// winner is the address that Won compares with, written when all children have ended.
	// While the Group is in use it holds the Group's mark instead: a Group that is in use
	// and has another word here was copied or overwritten. The task's.
	winner uintptr
}

// mark is the value of g.winner while g is in use. It is odd, and so no result's address.
func (g *Group) mark() uintptr { return uintptr(unsafe.Pointer(g)) | 1 }

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

// ErrGroupDecided is the error that children of a [Group] get from [Frame.Err] when the
// group's policy has cancelled them. It wraps [context.Canceled].
var ErrGroupDecided = fmt.Errorf("coro: the group is decided: %w", context.Canceled)

// Spawn makes a task of kind k a child of f that runs beside it: on the same executor, with
// the same allocator and context. Its state begins as args; its result goes to *result,
// which must lie in f's state or held part, or nowhere if result is nil, and must not be
// looked at before Wait. g must be the Group in f's State.
//
// If there is no memory, the child counts as one that failed with [arena.ErrExhausted].
func Spawn[S, R, CS, CR any](f *Frame[S, R], g *Group, k *Kind[CS, CR], args CS, result *CR) {
	if c := f.header.spawn(g, &k.kind, unsafe.Pointer(result), unsafe.Sizeof(f.State)); c != nil {
		(*Frame[CS, CR])(unsafe.Pointer(c)).State = args
		f.header.start(g, c)
	}
}

// SpawnCall is [Spawn] for a call, of a kind of either sort, with the options of
// [AwaitCall].
func SpawnCall[S, R, CR any](f *Frame[S, R], g *Group, call Call[CR], result *CR, opts ...ChildOption) {
	w := f.header.spawning(g)
	c := call.claim()
	f.header.spawnCall(w, g, c, unsafe.Pointer(result), unsafe.Sizeof(f.State), opts)
	c.recycle()
}

// SetPolicy sets the policy for the children that are spawned until the next Wait. It is
// called before the first of them, and panics after it.
func (g *Group) SetPolicy(f AnyFrame, p GroupPolicy) {
	h := f.anyFrame()
	w := h.spawning(g)
	if p > FirstEnd {
		panic("coro: there is no such GroupPolicy")
	}
	if g.spawned != 0 {
		panic("coro: task " + quote(h.kind.get().name) + ": SetPolicy after Spawn: set it before the first child, and again after each Wait")
	}
	r := g.makeRecord(w)
	r.policy = p
	switch {
	case p == WaitForAll && r.scope != nil:
		r.scope.close(w)
		r.scope = nil
	case p != WaitForAll && r.scope == nil:
		r.scope = openScope(w, h.env, &options{})
	}
}

// SetLimit lets at most n children run at a time, until the next Wait. Children beyond the
// limit are queued, each in its frame. The time of a [Timeout] counts from the moment at which the
// child begins, as it would for a goroutine of package errgroup that makes a context with a timeout;
// a [Deadline] is a point in time, and may pass while the child is queued. SetLimit is called before the first child, and panics after
// it. See [Group.WaitRoom] for how not to spawn faster than children end.
func (g *Group) SetLimit(f AnyFrame, n int) {
	h := f.anyFrame()
	w := h.spawning(g)
	if n <= 0 {
		panic("coro: task " + quote(h.kind.get().name) + ": SetLimit needs a positive number")
	}
	if g.spawned != 0 {
		panic("coro: task " + quote(h.kind.get().name) + ": SetLimit after Spawn: set it before the first child, and again after each Wait")
	}
	g.makeRecord(w).limit = n
}

// Wait waits until all children have ended, and resumes f's task at the resume point at.
// f.Err gives the error that the policy selects. The end of the tree's context does not end
// the wait: it cancels the children, and the wait ends when they have ended.
func (g *Group) Wait(f AnyFrame, at int) Step {
	h := f.anyFrame()
	g.mustBeOf(h)
	return h.waitFor(at, groupWait{})
}

// WaitRoom waits until there are fewer children than the limit, running or queued, and
// resumes f's task at the resume point at. It is for a task that spawns many children and
// must not have more frames than the limit. As with [Group.Wait], the end of the tree's
// context does not end the wait. Without a limit there is always room.
func (g *Group) WaitRoom(f AnyFrame, at int) Step {
	h := f.anyFrame()
	g.mustBeOf(h)
	return h.waitFor(at, groupRoom{})
}

// Cancel cancels the children: those that wait resume with the cause as their error, those
// that have not begun get it in their first step, and those that are queued because of
// [Group.SetLimit] end with it without having begun, except for their cleanup step, see
// [HasCleanup]. A nil cause is [context.Canceled]. The group needs a policy other than
// [WaitForAll]: otherwise Cancel panics. The task still has to Wait, or to end.
func (g *Group) Cancel(f AnyFrame, cause error) {
	h := f.anyFrame()
	h.spawning(g)
	r := g.loadRecord()
	if r == nil || r.scope == nil {
		panic("coro: task " + quote(h.kind.get().name) + ": Cancel of a Group without a Policy: set one, other than WaitForAll, before the first child")
	}
	if cause == nil {
		cause = context.Canceled
	}
	r.scope.cancel(canceledWith(cause))
}

// Won reports whether the child whose result goes to result has decided the group of the
// last Wait: it was the first to fail, to succeed or to end, depending on the policy. result
// is the address that Spawn was given for this child alone.
func Won[R any](g *Group, result *R) bool {
	return result != nil && g.winner == uintptr(unsafe.Pointer(result))
}

// spawn makes the frame of a child. It returns nil if there is no memory, which it has
// recorded as the child's error. stateSize is the size of h's state, in bytes. Everything but the common
// case is left to spawnSlow.
func (h *header) spawn(g *Group, k *kind, result unsafe.Pointer, stateSize uintptr) *header {
	w := h.worker.get()
	// The flags come first, as in await.
	if h.layout&(inheritedFlags|flagGroup) == flagGroup && w.current == uintptr(unsafe.Pointer(h)) &&
		uintptr(unsafe.Pointer(g))-uintptr(unsafe.Pointer(h)) == h.kind.get().groupOffset && g.winner == g.mark() &&
		interleave.LoadUintptr(&g.record) == 0 && g.spawned < foldAt && (result == nil || h.stateHolds(result, stateSize)) {
		if c := (*header)(w.cache.TryAllocateAt(k.place)); c != nil {
			g.spawned++
			c.kind.set(k)
			c.parent.set(h)
			c.env = h.env
			c.result = uintptr(result)
			c.at = 0
			c.layout = k.room | flagSpawned
			return c
		}
	}
	w = h.spawning(g)
	h.mustHoldResult(k, result, stateSize)
	return h.spawnSlow(w, g, k, result)
}

// start makes the child c run, or queues it if there is a limit. It does not read c: its
// memory may not be in the cache yet, and a load would wait for it.
func (h *header) start(g *Group, c *header) {
	w, env := h.worker.get(), h.env.get()
	if interleave.LoadUintptr(&g.record) == 0 && env.relay == nil && w.home == env.runtime {
		w.local.PushLocal(Runnable{c}, OriginSpawned|env.mark)
		return
	}
	g.start(w, c)
}

func (h *header) spawnCall(w *Worker, g *Group, call *call, result unsafe.Pointer, stateSize uintptr, opts []ChildOption) {
	o := childOptions(opts)
	k := call.kind
	h.mustHoldResult(k, result, stateSize)
	var c *header
	if o.allocator != nil {
		c = h.linkSpawned(w, g, (*header)(o.allocator.Allocate(k.size)), k, result, flagCustom|h.layout&flagCounted)
	} else {
		c = h.spawnSlow(w, g, k, result)
	}
	if c == nil {
		return
	}
	if len(opts) > 0 {
		timeout := time.Duration(0)
		if r := g.loadRecord(); r != nil && r.limit != 0 {
			timeout, o.timeout = o.timeout, 0 // from the start of c on
		}
		s := w.openChildScope(c, &o)
		if timeout != 0 {
			s.queueTimeout(timeout)
		}
	}
	call.fill(w, c)
	g.start(w, c)
}

// spawning checks that g is the Group of h's running task, begins its use if needed, and
// returns h's worker.
func (h *header) spawning(g *Group) *Worker {
	w := h.runningWorker()
	if uintptr(unsafe.Pointer(g))-uintptr(unsafe.Pointer(h)) != h.kind.get().groupOffset ||
		h.layout&flagGroup == 0 || g.winner != g.mark() {
		h.beginGroup(g)
	}
	return w
}

// beginGroup is spawning for a Group that is not in use, and for mistakes.
func (h *header) beginGroup(g *Group) {
	if h.env.get().runtime.oneChain {
		panic("coro: task " + quote(h.kind.get().name) + ": a generator, and what it awaits, cannot spawn: a loop runs one chain of tasks only")
	}
	if g == nil || h.group() != g {
		panic("coro: task " + quote(h.kind.get().name) + ": Spawn needs the Group that is a field of the task's own State")
	}
	if h.layout&flagGroup != 0 {
		h.panicGroupOverwritten()
	}
	// The state may be a copy of that of another task with children: they do not count here.
	*g = Group{winner: g.mark()}
	h.layout |= flagGroup
}

func (h *header) panicGroupOverwritten() {
	panic("coro: task " + quote(h.kind.get().name) + ": its Group was overwritten while it had children: do not assign to the Group, nor to the State as a whole, before Wait")
}

// group returns the Group in h's state; nil if there is none.
func (h *header) group() *Group {
	offset := h.kind.get().groupOffset
	if offset == 0 {
		return nil
	}
	return (*Group)(unsafe.Add(unsafe.Pointer(h), offset))
}

// usedGroup is group for a frame whose kind is known to have a Group.
func (h *header) usedGroup() *Group {
	return (*Group)(unsafe.Add(unsafe.Pointer(h), h.kind.get().groupOffset))
}

// spawnSlow is spawn after all checks, for frames from anywhere.
func (h *header) spawnSlow(w *Worker, g *Group, k *kind, result unsafe.Pointer) *header {
	layout := h.layout & inheritedFlags
	if layout&flagCustom == 0 {
		return h.linkSpawned(w, g, (*header)(w.cache.Allocate(k.capacity)), k, result, layout|k.room)
	}
	return h.linkSpawned(w, g, (*header)(h.env.get().allocator.Allocate(k.size)), k, result, layout)
}

// linkSpawned makes c a child of h in g, and returns it. If c is nil, because there was no
// memory, it records that the child has failed, and returns nil.
func (h *header) linkSpawned(w *Worker, g *Group, c *header, k *kind, result unsafe.Pointer, layout uint32) *header {
	if g.spawned >= foldAt {
		g.fold()
	}
	g.spawned++
	if c == nil {
		w.childFailed(g, uintptr(result), arena.ErrExhausted)
		return nil
	}
	env := h.env
	if r := g.loadRecord(); r != nil && r.scope != nil {
		env = r.scope.ref()
	}
	*c = header{env: env, result: uintptr(result), layout: layout | flagSpawned}
	c.kind.set(k)
	c.parent.set(h)
	if layout&flagCounted != 0 {
		c.countStart(w)
	}
	return c
}

// start makes c run, or queues it if there is a limit.
func (g *Group) start(w *Worker, c *header) {
	if r := g.loadRecord(); r != nil && r.limit != 0 {
		if !r.admit(c) {
			return
		}
		c.startTimeout()
	}
	env := c.env.get()
	if w.serves(env.runtime) {
		w.pushLocal(Runnable{c}, env, OriginSpawned)
		return
	}
	if err := env.executor.Post(Runnable{c}); err != nil {
		g.makeRecord(w).refused = err
		current, failed := w.current, w.err // a step is running
		w.Cancel(Runnable{c}, err)
		w.current, w.err = current, failed
	}
}

// mustBeOf panics unless g is the Group of h's running task.
func (g *Group) mustBeOf(h *header) {
	h.runningWorker() // first: it panics for a frame that was freed
	if g == nil || h.group() != g {
		panic("coro: task " + quote(h.kind.get().name) + ": Wait needs the Group that is a field of the task's own State")
	}
	if h.layout&flagGroup != 0 && g.winner != g.mark() {
		h.panicGroupOverwritten()
	}
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
