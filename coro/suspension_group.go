package coro

// The children of a Group of package task. A child's function is called in place. If it waits, its
// frames are detached: the outermost becomes a task of its own, which no frame awaits, and its end
// is told to the Children. So a child that does not wait costs a call.

import (
	"context"
	"errors"
	"slices"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/forcing"
)

// Children is the children of a Group of package task, for that package alone. Any goroutine may
// call its methods, except those that say otherwise.
type Children struct {
	id     ChildrenID  // not changed
	policy GroupPolicy // not changed
	limit  int         // 0: none; not changed

	// scope is what the children run in, if the policy may cancel them and they are tasks; otherwise
	// nil. It is opened with the Children and closed by Free. around is the scope around it, if
	// there is one, which it holds.
	scope  *childScope
	around *scope

	mu      sync.Mutex // guards what follows
	live    int        // children that have begun and not ended
	left    bool       // nobody will wait for them: the last child frees the Children
	decided bool
	err     error
	errs    []error // of FirstSuccess

	// ctx is that of children that run on goroutines, and cancel ends it. Both are nil if there are
	// none, or the policy cancels nothing.
	ctx    context.Context
	cancel context.CancelCauseFunc

	// environments are those of children that are tasks, if roots share them. Each child is a user of its
	// own, since the task that has begun it may end before it, by a panic. They are here so that the
	// collector leaves them: there are few, nearly always one.
	environments []*sharedEnvironment

	// changed is set, and changedOnGoroutine closed, when no child is left or, if somebody waits for
	// room, when a child has ended. Both are nil if nobody waits.
	changed            *Event
	changedOnGoroutine chan struct{}
	roomWanted         bool
}

// ChildrenID identifies a Children. It is 0 for none, and is not used again.
type ChildrenID uint64

// openChildren has all Children that are not freed. An entry is used again, with the next
// generation, which is the upper half of the ChildrenID.
var openChildren struct {
	mu      sync.Mutex // guards the rest; no other lock is taken while it is held
	entries []childrenEntry
	free    []uint32
}

type childrenEntry struct {
	c          *Children // nil if the entry is free
	generation uint32
}

// NewChildren returns Children without any child. It is freed by Free.
func NewChildren(s *Suspension, policy GroupPolicy, limit int) *Children {
	c := &Children{policy: policy, limit: limit}
	if s.w != nil && policy != WaitForAll {
		c.scope = openScope(s.w, s.env, &options{})
		if c.around = c.scope.around(); c.around != nil {
			c.around.hold()
		}
	}
	t := &openChildren
	t.mu.Lock()
	defer t.mu.Unlock()
	i := uint32(len(t.entries))
	if n := len(t.free); n > 0 {
		i = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		t.entries = append(t.entries, childrenEntry{})
	}
	e := &t.entries[i]
	e.c = c
	e.generation++
	c.id = ChildrenID(e.generation)<<32 | ChildrenID(i)
	return c
}

// ID identifies c, until c is freed.
func (c *Children) ID() ChildrenID { return c.id }

// Get returns the Children that id identifies, or nil if there is none: it has been freed.
func (id ChildrenID) Get() *Children {
	if id == 0 {
		return nil
	}
	t := &openChildren
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := uint32(id); int(i) < len(t.entries) && t.entries[i].generation == uint32(id>>32) {
		return t.entries[i].c
	}
	return nil
}

// forget makes the entry of c free.
func (c *Children) forget() {
	t := &openChildren
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries[uint32(c.id)].c = nil
	t.free = append(t.free, uint32(c.id))
}

// GoroutineContext returns the context for children that run on goroutines, within parent.
func (c *Children) GoroutineContext(parent context.Context) context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policy == WaitForAll {
		return parent
	}
	if c.ctx == nil {
		c.ctx, c.cancel = context.WithCancelCause(parent)
	}
	return c.ctx
}

// Free closes c, which has no children left, and gives its memory back. It returns the error that
// the policy selects.
func (c *Children) Free(s *Suspension) error {
	c.mu.Lock()
	err, cancel := c.err, c.cancel
	if c.policy == FirstSuccess && !c.decided && len(c.errs) > 0 {
		err = errors.Join(c.errs...)
	}
	c.mu.Unlock()
	if cancel != nil {
		cancel(nil)
	}
	if c.scope != nil {
		c.scope.close(s.w)
	}
	if c.around != nil {
		c.around.unhold(s.w)
	}
	c.forget()
	return err
}

// Abandon is Wait where the task that waits cannot: it cancels the children, if the policy may do
// that, and nobody waits for them.
func (c *Children) Abandon(s *Suspension) {
	c.Cancel(context.Canceled)
	c.leave(s)
}

// leave says that nobody will wait for the children, since the task that waited has ended.
func (c *Children) leave(s *Suspension) {
	c.mu.Lock()
	c.left = true
	idle := c.live == 0
	c.mu.Unlock()
	if idle {
		c.Free(s)
	}
}

// Begin counts a child that begins. It reports whether there is room for it: if there is a limit and
// it is reached, the child must not begin.
func (c *Children) Begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit > 0 && c.live >= c.limit {
		return false
	}
	c.live++
	return true
}

// End records how a child has ended, in a step or on a goroutine of s. A child that decides cancels the
// others while it still counts itself: until then c is not freed.
func (c *Children) End(s *Suspension, err error) {
	if c.record(err) {
		c.Cancel(ErrGroupDecided)
	}
	c.mu.Lock()
	c.live--
	free := c.left && c.live == 0
	var changed *Event
	var onGoroutine chan struct{}
	if c.live == 0 || c.roomWanted {
		changed, onGoroutine = c.changed, c.changedOnGoroutine
		c.changed, c.changedOnGoroutine, c.roomWanted = nil, nil, false
	}
	c.mu.Unlock()
	if onGoroutine != nil {
		close(onGoroutine)
	}
	if changed != nil {
		changed.Set()
	}
	if free {
		c.Free(s)
	}
}

// record notes a child's error, and reports whether that decides the group.
func (c *Children) record(err error) (decides bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.decided {
		return false
	}
	switch {
	case c.policy == FirstSuccess && err != nil:
		c.errs = append(c.errs, err)
	case err != nil && c.err == nil:
		c.err = err
	}
	switch c.policy {
	case FirstError:
		decides = err != nil
	case FirstSuccess:
		decides = err == nil
	case FirstEnd:
		decides = true
	}
	c.decided = decides
	return decides
}

// Cancel cancels the children with the given cause. The caller is one of them, or the only one that
// waits for them.
func (c *Children) Cancel(cause error) {
	if c.scope != nil {
		c.scope.cancel(canceledWith(cause))
	}
	c.mu.Lock()
	cancel := c.cancel
	c.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// Changed returns an Event that is set when there may be nothing to wait for any more, or nil if there
// is nothing: with room, there is room for another child, otherwise no child is left.
func (c *Children) Changed(room bool) *Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.waits(room) {
		return nil
	}
	if c.changed == nil {
		c.changed = new(Event)
	}
	return c.changed
}

// ChangedOnGoroutine is Changed for a goroutine: the channel is closed.
func (c *Children) ChangedOnGoroutine(room bool) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.waits(room) {
		return nil
	}
	if c.changedOnGoroutine == nil {
		c.changedOnGoroutine = make(chan struct{})
	}
	return c.changedOnGoroutine
}

// waits reports whether there is something to wait for, and that somebody does, if so. The caller holds
// mu.
func (c *Children) waits(room bool) bool {
	if c.live == 0 || room && c.live < c.limit {
		return false
	}
	c.roomWanted = c.roomWanted || room
	return true
}

// Idle reports whether no child is left.
func (c *Children) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live == 0
}

// Wait waits until no child is left, and frees c. f resumes at the resume point at, with the error
// that the policy selects. The end of the context does not end the wait: it ends the children.
func (c *Children) Wait(f AnyFrame, at int) Step {
	step := AwaitCall(f, at, childrenWaitKind.With(struct{}{}, childrenWait{c: c}), nil)
	if step.next.layout&flagRefused != 0 {
		c.Abandon(f.anyFrame().resumed())
	}
	return step
}

// WaitRoom waits until there is room for another child, and begins it.
func (c *Children) WaitRoom(f AnyFrame, at int, call Call[struct{}]) Step {
	step := AwaitCall(f, at, childrenWaitKind.With(struct{}{}, childrenWait{c, call}), nil)
	if step.next.layout&flagRefused != 0 && c.record(arena.ErrExhausted) {
		c.Cancel(ErrGroupDecided)
	}
	return step
}

// childrenWait is what a task waits for: the end of all children or, if call is not zero, room to
// begin that.
type childrenWait struct {
	c    *Children
	call Call[struct{}]
}

var childrenWaitKind = DefineHeld("task.Group", func(f *Frame[struct{}, struct{}], held *childrenWait) Step {
	c, s := held.c, Resumed(f)
	room := held.call.c != nil
	if f.At() == Cleanup {
		if room {
			held.call.claim().recycle()
		}
		c.leave(s)
		return f.Fail(f.Err())
	}
	if event := c.Changed(room); event != nil {
		return f.header.waitFor(0, (*shieldedEvent)(event))
	}
	if !room {
		return ReturnBoth(f, struct{}{}, c.Free(s))
	}
	if !c.Begin() { // another task was faster
		return Yield(f, 0)
	}
	c.Spawn(s, held.call)
	return f.Return(struct{}{})
}, HasCleanup())

// shieldedEvent is an Event whose wait the end of a context does not end.
type shieldedEvent Event

func (e *shieldedEvent) park(_ *Worker, h *header) parking {
	of := (*Event)(e)
	of.lock.mu.Lock()
	defer of.lock.mu.Unlock()
	if of.state.set {
		return parkDone
	}
	return of.waitIn(nil, of, h, struct{}{})
}

// Enter makes what the function that runs calls from now on run in the scope of c, if c has one.
// Leave undoes it.
func (c *Children) Enter(s *Suspension) (around InPlace) {
	around = InPlace{around: s.env, layout: s.layout}
	if c.scope != nil {
		s.env = c.scope.ref()
	}
	return around
}

// Leave undoes Enter, when the child that was called has returned or has panicked. If the child
// waits, it becomes a task of its own, and Leave reports true: the child will End by itself.
func (c *Children) Leave(s *Suspension, around InPlace) (detached bool) {
	if s.status == suspending {
		s.detach(c)
		detached = true
	}
	s.env, s.layout = around.around, around.layout
	return detached
}

// detach makes the frames that were made a task of their own, and enters the operation that the
// innermost waits for. The step that runs goes on.
func (s *Suspension) detach(c *Children) {
	w := s.w
	outer := s.root()
	if outer == nil {
		s.abandon()
		c.End(s, arena.ErrExhausted)
		return
	}
	if forcing.Moves {
		s.moveFrames(nil)
		outer = s.outermost.get()
	}
	c.own(w, outer)
	inner := s.innermost.get()
	running := s.running()
	op := s.clear()
	w.current = uintptr(unsafe.Pointer(inner))
	w.depart(inner, op.Enter(s, inner, int(inner.at)))
	s.resume(running)
}

// own makes outer, whose task no frame awaits, a child of c, and counts it as a root that was launched
// in a step of w.
func (c *Children) own(w *Worker, outer *header) {
	outer.layout |= flagDetached
	outer.parent = 0
	outer.result = uintptr(unsafe.Pointer(c))
	env := outer.env.get()
	if in := holdable(outer.env.scope()); in != nil {
		in.hold()
	}
	if shared := env.shares; shared != nil {
		shared.users.Add(1) // not from 0: the caller's tree is a user
		c.mu.Lock()
		if !slices.Contains(c.environments, shared) {
			c.environments = append(c.environments, shared)
		}
		c.mu.Unlock()
	}
	if w.home == env.runtime {
		countUp(&w.launched)
	} else {
		env.runtime.roots.elsewhere.Add(^uint32(0))
	}
}

// depart does what a Step of h asks for, in the step of another frame: if h's task goes on at once,
// it is queued.
func (w *Worker) depart(h *header, step Step) {
	switch step.op {
	case opAwait:
		h = step.next
		if h.layout&flagRefused != 0 {
			w.Cancel(Runnable{h}, arena.ErrExhausted)
			return
		}
	case opWait:
		if h = w.wait(h); h == nil {
			return
		}
	default:
		w.yield(h)
		return
	}
	outcome := uint32(flagWoken)
	if h.at&atFailed != 0 {
		err := w.err
		w.err = nil
		h.at &^= atFailed
		switch {
		case err == ErrChanClosed:
			outcome |= flagChanClosed
		case h.env.mayEnd() && h.env.cause() != nil:
			outcome = 0 // takeOutcome finds the cause again
		default:
			w.Cancel(Runnable{h}, err)
			return
		}
	}
	h.layout |= outcome
	w.yield(h)
}

// detachedChildEnded tells the Children at result that a child has ended with err. ref is what its
// frame referred to.
func detachedChildEnded(w *Worker, ref envRef, result uintptr, err error) {
	env := ref.get()
	rt, shared := env.runtime, env.shares
	l := link[Children](result)
	defer w.countRootEnd(rt)
	l.get().End(&w.suspension, err)
	if in := holdable(ref.scope()); in != nil {
		in.unhold(w)
	}
	if shared != nil {
		shared.release()
	}
}

// ---- children that begin in a frame

// childHeld is a child that begins as a task.
type childHeld struct{ start func(*Suspension) error }

var childKind = DefineHeld("task.child", func(f *Frame[struct{}, struct{}], held *childHeld) Step {
	s := Resumed(f)
	if f.At() == 1 { //framearena:ignore replace gives the number, through leave
		return ReturnBoth(f, struct{}{}, ChildErr(f))
	}
	err := held.start(s)
	if !s.Suspended() {
		return ReturnBoth(f, struct{}{}, err)
	}
	return s.replace(&f.header)
}, Compiled())

// replace is leave for h, which has nothing more to do: the outermost of the frames that were made
// takes its place, and h is freed.
func (s *Suspension) replace(h *header) Step {
	outer := s.ownRoot(h.env)
	if outer == nil {
		return s.leave(h, 1)
	}
	if forcing.Moves {
		s.moveFrames(nil)
		outer = s.outermost.get()
	}
	outer.layout |= h.layout & flagDetached
	outer.parent, outer.result = h.parent, h.result
	inner := s.innermost.get()
	op := s.clear()
	s.w.current = 0
	s.w.free(h)
	s.frame.set(inner)
	s.w.current = uintptr(unsafe.Pointer(inner))
	return op.Enter(s, inner, int(inner.at))
}

// StartCall returns a call of a start form.
func StartCall(start func(*Suspension) error) Call[struct{}] {
	return childKind.With(struct{}{}, childHeld{start})
}

// Spawn makes a call, of a function that returns an error alone, a child of c that runs as a task,
// beside the caller. The child has begun.
func (c *Children) Spawn(s *Suspension, call Call[struct{}]) {
	w := s.w
	k := call.claim()
	around := c.Enter(s)
	h := s.tryAllocate(k.kind)
	if h != nil {
		s.fill(h, k.kind, 0)
	}
	s.env = around.around
	if h == nil {
		k.recycle()
		c.End(s, arena.ErrExhausted)
		return
	}
	k.fill(w, h)
	k.recycle()
	c.own(w, h)
	env := h.env.get()
	if w.serves(env.runtime) {
		w.pushLocal(Runnable{h}, env, OriginSpawned)
		return
	}
	if err := env.executor.Post(Runnable{h}); err != nil {
		w.Cancel(Runnable{h}, err)
	}
}
