package coro

// Scopes: who owns one, and what may cancel it.
//
// A scope is a tree of tasks, or a part of one, that may end before its executor does. The env
// word of each of its frames leads to it. There are three sorts:
//
//   - that of a sharedEnvironment whose context can end: of all trees launched with it;
//   - that of a Handle: of the tree that Start has launched;
//   - a childScope: of a child with options, of the children of a Group whose policy may cancel them, or of
//     the tree of a Handle whose context can end.
//
// # Its owner
//
// A scope is open from the moment when a task can be in it until its owner closes it, once, when
// all tasks in it have ended:
//
//   - the frame that was made with options (flagScope): the worker that frees the frame closes
//     the scope after it, in discard, since freeing uses the environment;
//   - a Group with a policy: the worker that has found that all children have ended, in endRecord,
//     or the task, in SetPolicy, before there are any;
//   - a Handle, and a sharedEnvironment: the worker that ends the root, the last one.
//
// # Its state
//
// state has flags and, above them, a generation, which counts the uses of the memory. It is
// written with the lock of the scope's stripe held (see scope_wait.go), except for scopeFired and
// scopeClosed, which are added atomically. Any goroutine loads it.
//
// A canceller may come late, when the memory has another use. The memory is a scope in any case:
// slots are not given back while a Go pointer leads to them, and the two other sorts lie in Go objects
// that the canceller refers to. So a canceller has the generation of the use that it is for, and
// compares it with the stripe's lock held. close changes it with that lock held.
//
// # Scopes in scopes
//
// A childScope within another scope is an element of a list of that one from open to close,
// unless it is shielded. So the end of the outer scope reaches it however deep scopes are nested,
// and a task that asks whether its scope has ended looks at one scope. A scope that is opened in
// one that has been cancelled begins as cancelled.
//
// A task that waits in a scope is an element of a list too: see scope_wait.go.

import (
	"context"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
	"github.com/framearena/framearena/internal/slots"
	"github.com/framearena/framearena/internal/timerwheel"
)

// scope is described at the head of this file. It has no Go pointers, so the collector does not
// look at those in slots.
type scope struct {
	// env is the environment of the tasks in the scope. It does not change while the scope is open.
	env link[Environment]

	// waiting is the tasks that wait, and the scopes in this one. That of a sharedEnvironment has
	// several lists instead. Guarded by the stripe's lock.
	waiting scopeList

	state interleave.Uint64
}

// Flags of scope.state.
const (
	scopeCancelled = 1 << iota // the tasks shall end; reason says why
	scopeCanceled              // the reason is context.Canceled
	scopeDeadline              // the reason is context.DeadlineExceeded
	scopeDecided               // the reason is ErrGroupDecided
	scopeArmed                 // deadline and context, and those of the scopes around, call cancel
	scopeShared                // of a sharedEnvironment
	scopeChild                 // a childScope
	scopeOfHandle              // of the tree of a Handle
	scopeShielded              // the end of what is around is not the end of this
	scopeNoContext             // the end of the environment's context is not the end of this
	scopeOwnEnv                // a childScope whose environment was made for it
	scopeTimed                 // a childScope with a deadline of its own, which is earlier than those around
	scopeHasExtra              // there is a scopeExtra
	scopeFired                 // the timer has fired
	scopeClosed                // the scope was closed, and its timer is still to fire
	scopeNested                // part of a nestedScope; set in its slot for good

	scopeGeneration = 1 << 16
	scopeFlags      = scopeGeneration - 1
)

// scopeExtra is what few scopes need. It is in the map of the scope's stripe while the scope is
// open, guarded by the lock of that; the context is guarded by mu too.
type scopeExtra struct {
	ending ending // why the scope was cancelled, if no flag says it

	// timeout is the time that a child has from its start on, while it is queued because of
	// Group.SetLimit; otherwise 0.
	timeout time.Duration

	holds   int  // children that may outlive the owner; see scope_hold.go
	closing bool // the owner has closed the scope, and the last of holds does it

	scopeContext
}

// childScope is a scope within a tree. It lies in a slot on the Go heap, which is used again.
//
// Most are around one task that waits, with an environment around them: so there is one place for a
// task's wait, and a childScope within another scope is part of a nestedScope.
type childScope struct {
	// links, when and scope.env are a timerwheel.Node, which cancels the scope at its deadline, if it has a
	// deadline of its own: see timer. They are the wheel's while the scope is armed.
	//
	// If the scope is that of a Handle, it has no deadline, and links[0] is the address of the Handle.
	// While the slot is free, links[0] is the list's.
	links [2]uintptr

	// when is the earliest deadline of this scope and those around it that are in force, in ns of the
	// runtime's clock, or 0. It does not change once a task runs in the scope.
	when int64

	scope

	// hosted is the place of the task that waiting says; see scope_wait.go.
	hosted waitPlace
}

// nestedScope is a childScope with a scope around.
type nestedScope struct {
	childScope
	outer link[scope]

	// in is the place in a list of outer, if the scope is not shielded. Guarded by the lock of that
	// list's stripe.
	in listed
}

// childScopes and nestedScopes have the slots of all childScopes.
var (
	childScopes  slots.Packed[childScope]
	nestedScopes slots.Packed[nestedScope]
)

func init() {
	childScopes.Init()
	nestedScopes.Init()
}

// timer returns the node of s, which it begins with: the environment is its What, and the lowest bits
// of that say that it is a childScope's.
func (s *childScope) timer() *timerwheel.Node { return (*timerwheel.Node)(unsafe.Pointer(s)) }

var (
	_ [unsafe.Offsetof(childScope{}.when) - unsafe.Offsetof(timerwheel.Node{}.When)]struct{}
	_ [unsafe.Offsetof(timerwheel.Node{}.When) - unsafe.Offsetof(childScope{}.when)]struct{}
	_ [unsafe.Offsetof(childScope{}.scope) - unsafe.Offsetof(timerwheel.Node{}.What)]struct{}
	_ [unsafe.Offsetof(timerwheel.Node{}.What) - unsafe.Offsetof(childScope{}.scope)]struct{}
	_ [-unsafe.Offsetof(scope{}.env)]struct{}
	_ [-unsafe.Offsetof(nestedScope{}.childScope)]struct{}
)

// child returns the childScope that s is, or nil.
func (s *scope) child() *childScope {
	if s.state.Load()&scopeChild == 0 {
		return nil
	}
	return s.ofChild()
}

// ofChild is child for a scope of which the caller knows that it is a childScope.
func (s *scope) ofChild() *childScope {
	return (*childScope)(unsafe.Add(unsafe.Pointer(s), -int(unsafe.Offsetof(childScope{}.scope))))
}

// nested returns the nestedScope that s is part of, or nil: then there is no scope around.
func (s *childScope) nested() *nestedScope {
	if s.state.Load()&scopeNested == 0 {
		return nil
	}
	return (*nestedScope)(unsafe.Pointer(s))
}

// outer returns the scope around, or nil.
func (s *childScope) outer() *scope {
	if n := s.nested(); n != nil {
		return n.outer.get()
	}
	return nil
}

func generationOf(state uint64) uint64 { return state &^ scopeFlags }

func (s *scope) runtime() *execRuntime { return s.env.get().runtime }

func (s *scope) ref() envRef { return envRef(unsafe.Pointer(s)) | inScope }

// begin opens s, whose memory no task uses, with the given flags.
func (s *scope) begin(env *Environment, flags uint64) {
	s.env.set(env)
	s.waiting = 0
	s.state.Store(generationOf(s.state.Load()) | flags)
}

// finish closes s, unless it is a childScope: no task is in it.
func (s *scope) finish() {
	st := s.runtime().stripe(s)
	st.mu.Lock()
	extra := s.takeExtra(st)
	state := s.state.Load()
	s.state.Store(generationOf(state) + scopeGeneration)
	st.mu.Unlock()
	if state&(scopeShared|scopeArmed) == scopeShared|scopeArmed {
		// A canceller may be looking at one of the lists, which have other stripes.
		rt := s.runtime()
		for i := range uintptr(sharedLists) {
			awaitHolder(&rt.listStripe(s, i).mu)
		}
	}
	s.env = 0
	extra.close()
}

// openScope returns a new scope with the options o, within what around leads to. w is the worker whose
// goroutine calls, or nil. The owner closes the scope.
func openScope(w *Worker, around envRef, o *options) *childScope {
	env, outer := around.get(), around.scope()
	flags := uint64(scopeChild)
	var s *childScope
	if outer == nil {
		s = childScopes.Take(w.freeSlots())
	} else {
		n := nestedScopes.Take(w.freeSlots())
		n.outer.set(outer)
		n.in = listed{}
		s = &n.childScope
		flags |= scopeNested
	}
	noContext := o.shielded
	if outer != nil {
		noContext = noContext || outer.state.Load()&scopeNoContext != 0
	}
	if o.shielded {
		flags |= scopeShielded
	}
	if noContext && o.ctx == nil {
		flags |= scopeNoContext
	}
	if o.ctx != nil || o.allocator != nil {
		flags |= scopeOwnEnv
		env = &env.derive(o, !noContext).Environment
	}
	s.links, s.when = [2]uintptr{}, 0
	s.begin(env, flags)
	if outer != nil && !o.shielded {
		(*nestedScope)(unsafe.Pointer(s)).enclose(outer)
	}
	s.shorten(env.runtime.deadlineOf(o))
	return s
}

// enclose makes s end with outer.
func (s *nestedScope) enclose(outer *scope) {
	if c := outer.child(); c != nil {
		s.when = c.when
	}
	list, st := outer.place(uintptr(unsafe.Pointer(s)))
	st.mu.Lock()
	cancelled := outer.state.Load()&scopeCancelled != 0
	if !cancelled {
		list.add(s.element(), &s.in)
	}
	st.mu.Unlock()
	if cancelled {
		rt := s.runtime()
		end := outer.reason(rt)
		st := rt.stripe(&s.scope)
		st.mu.Lock()
		s.setCancelled(st, end)
		st.mu.Unlock()
	}
}

// shorten gives s a deadline, if that is earlier than those around. No task runs in s yet. 0 is
// none.
func (s *childScope) shorten(when int64) {
	if when != 0 && (s.when == 0 || when < s.when) {
		s.when = when
		s.state.Or(scopeTimed)
	}
}

// close ends the use of s. Its owner calls it when all tasks in the scope have ended, but for those
// that hold it.
func (s *childScope) close(w *Worker) {
	if !s.isLeftOpen(w) {
		s.closeNow(w)
	}
}

// closeNow is close for a scope that nobody holds.
func (s *childScope) closeNow(w *Worker) {
	rt := s.runtime()
	state := s.state.Load()
	if n := s.nested(); n != nil && state&scopeShielded == 0 {
		list, st := n.outer.get().place(uintptr(unsafe.Pointer(s)))
		st.mu.Lock()
		list.remove(&n.in) // unless a canceller of outer has done so
		st.mu.Unlock()
	}
	// If the timer is not in the wheel any more, fire has it or is about to get it.
	firing := state&(scopeTimed|scopeArmed) == scopeTimed|scopeArmed && !rt.timers.remove(s.timer())
	env := s.env.get()
	st := rt.stripe(&s.scope)
	st.mu.Lock()
	extra := s.takeExtra(st)
	for {
		state = s.state.Load()
		next := generationOf(state) + scopeGeneration | state&scopeNested
		if firing && state&scopeFired == 0 {
			next |= scopeClosed // fire gives the slot back
		}
		if s.state.CompareAndSwap(state, next) {
			firing = next&scopeClosed != 0
			break
		}
	}
	st.mu.Unlock()
	extra.close()
	if state&scopeOwnEnv != 0 {
		env.shares.release()
	}
	if !firing {
		s.recycle(w)
	}
}

// recycle gives the slot back. Neither the wheel nor a frame refers to it.
func (s *childScope) recycle(w *Worker) {
	s.env = 0
	if n := s.nested(); n != nil {
		n.outer = 0
		nestedScopes.Put(w.freeSlots(), n)
		return
	}
	childScopes.Put(w.freeSlots(), s)
}

// fire cancels s because its deadline has come. The timer is not in the wheel any more. s may
// have been closed meanwhile: which of fire and close comes second, state decides, and that one gives
// the slot back.
func (s *childScope) fire(rt *execRuntime, woken *wakeList) {
	state := s.state.Or(scopeFired)
	if state&scopeClosed != 0 {
		s.state.Store(generationOf(state) | state&scopeNested)
		s.recycle(nil)
		return
	}
	s.cancelInto(rt, generationOf(state), ending{context.DeadlineExceeded, context.DeadlineExceeded}, woken)
}

// cancel cancels the tasks in the scope. The caller knows that the scope is not closed before
// cancel returns.
func (s *scope) cancel(end ending) {
	s.runtime().cancel(s, generationOf(s.state.Load()), end)
}

// arm makes the deadline and the context of s, and those of the scopes around, cancel the tasks that
// wait. A task of the scope calls it before it waits, if the scope is not armed. The caller holds
// no lock.
//
// To do this when the scope opens would make each child with options pay for a timer, and most
// of them end without having waited.
func (s *scope) arm() {
	rt := s.runtime()
	rt.arming.Lock()
	ended := s.armed(rt, nil)
	rt.arming.Unlock()
	for _, s := range ended { // at once, not when the context has started a goroutine for it
		ctx := s.env.get().ctx
		s.cancel(ending{ctx.Err(), context.Cause(ctx)})
	}
}

// armed is arm for a caller that holds rt.arming. It appends the scopes whose context has ended to
// ended.
func (s *scope) armed(rt *execRuntime, ended []*scope) []*scope {
	state := s.state.Load()
	if state&scopeArmed != 0 {
		return ended
	}
	c := s.child()
	if c != nil && state&scopeShielded == 0 {
		if outer := c.outer(); outer != nil {
			ended = outer.armed(rt, ended)
		}
	}
	if state&(scopeShared|scopeOwnEnv) != 0 {
		if env := s.env.get().shares; env.hooks {
			if env.ctx.Err() != nil {
				ended = append(ended, s)
			} else {
				env.hook(rt, s)
			}
		}
	}
	if state&scopeTimed != 0 {
		if !rt.timing().addTimed(c.timer()) { // the executor is being closed
			for !s.state.CompareAndSwap(state, state&^scopeTimed) {
				state = s.state.Load()
			}
		}
	}
	s.state.Or(scopeArmed)
	return ended
}

// openChildScope gives c, whose frame was just made, a scope of its own with the options o.
func (w *Worker) openChildScope(c *header, o *options) *childScope {
	s := openScope(w, c.env, o)
	c.env = s.ref()
	c.layout |= flagScope
	return s
}

// queueTimeout makes the time d begin when startTimeout is called.
func (s *childScope) queueTimeout(d time.Duration) {
	st := s.runtime().stripe(&s.scope)
	st.mu.Lock()
	defer st.mu.Unlock()
	s.extra(st).timeout = d
}

// startTimeout makes the time of c's Timeout begin, if c was queued because of Group.SetLimit. The
// goroutine that starts c calls it before c is in a queue of an executor. No other goroutine uses
// the scope's deadline before c has run.
func (c *header) startTimeout() {
	if c.layout&flagScope == 0 {
		return
	}
	s := c.env.scope().child()
	if s.state.Load()&scopeHasExtra == 0 {
		return
	}
	rt := s.runtime()
	st := rt.stripe(&s.scope)
	st.mu.Lock()
	timeout := s.extra(st).timeout
	s.extra(st).timeout = 0
	st.mu.Unlock()
	if timeout != 0 {
		s.shorten(rt.deadlineOf(&options{timeout: timeout}))
	}
}

// ---- why a scope ends

// ending is why a scope is cancelled. err is what Err of its context returns then:
// context.Canceled, context.DeadlineExceeded, or the error of a context of the user's own type.
// cause is what Frame.Err and context.Cause return.
type ending struct{ err, cause error }

// canceledWith is the ending of a scope that was cancelled with the given cause.
func canceledWith(cause error) ending { return ending{context.Canceled, cause} }

// setCancelled records that s is cancelled because of end. The caller holds the lock of s's stripe,
// st.
func (s *scope) setCancelled(st *scopeStripe, end ending) {
	flags := uint64(scopeCancelled)
	switch end {
	case canceledWith(context.Canceled):
		flags |= scopeCanceled
	case ending{context.DeadlineExceeded, context.DeadlineExceeded}:
		flags |= scopeDeadline
	case canceledWith(ErrGroupDecided):
		flags |= scopeDecided
	default:
		s.extra(st).ending = end
	}
	s.state.Or(flags)
}

// reason returns why s, which is cancelled, was.
func (s *scope) reason(rt *execRuntime) ending {
	switch state := s.state.Load(); {
	case state&scopeCanceled != 0:
		return canceledWith(context.Canceled)
	case state&scopeDeadline != 0:
		return ending{context.DeadlineExceeded, context.DeadlineExceeded}
	case state&scopeDecided != 0:
		return canceledWith(ErrGroupDecided)
	}
	st := rt.stripe(s)
	st.mu.Lock()
	defer st.mu.Unlock()
	return s.extra(st).ending
}

// end returns why the tasks in s should end, also if no canceller has come yet. It returns the zero
// value if there is no reason. A task in s calls it.
func (s *scope) end() ending {
	env := s.env.get()
	state := s.state.Load()
	if state&scopeCancelled != 0 {
		return s.reason(env.runtime)
	}
	if state&scopeNoContext == 0 {
		for e := env; e != nil; e = e.around {
			if e.ctx != nil {
				if err := e.ctx.Err(); err != nil {
					return ending{err, context.Cause(e.ctx)}
				}
			}
		}
	}
	if c := s.child(); c != nil && c.when != 0 && env.runtime.timing().now() >= c.when {
		return ending{context.DeadlineExceeded, context.DeadlineExceeded}
	}
	return ending{}
}

// extra returns what few scopes need, and makes it if there is none. The caller holds the lock of
// s's stripe, st.
func (s *scope) extra(st *scopeStripe) *scopeExtra {
	e := st.extras[s]
	if e == nil {
		if st.extras == nil {
			st.extras = make(map[*scope]*scopeExtra)
		}
		e = new(scopeExtra)
		st.extras[s] = e
		s.state.Or(scopeHasExtra)
	}
	return e
}

// takeExtra is called when s is closed. The caller holds the lock of s's stripe, st.
func (s *scope) takeExtra(st *scopeStripe) *scopeExtra {
	if s.state.Load()&scopeHasExtra == 0 {
		return nil
	}
	e := st.extras[s]
	delete(st.extras, s)
	return e
}
