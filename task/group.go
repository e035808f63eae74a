package task

import (
	"context"
	"runtime/debug"
	"sync/atomic"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task/internal/bound"
)

// Group is task functions that run beside the one that begins them, and beside each other. Its zero
// value is a Group without a limit, whose children do not influence each other:
//
//	var g task.Group
//	for _, part := range parts {
//		g.Go(t, func(t *task.T) error { return fetch(t, part) })
//	}
//	return g.Wait(t)
//
// A Group is for one set of children: after Wait it can be used again. Each use needs its Wait. It
// must not be copied while it has children. Go may also be called by the children.
type Group struct {
	children atomic.Uint64 // a coro.ChildrenID, of the children since the last Wait
	limit    int32
	policy   GroupPolicy
}

// GroupPolicy says when the children of a [Group] are cancelled, and what Wait returns.
type GroupPolicy = coro.GroupPolicy

const (
	// WaitForAll cancels nothing. Wait returns the first error.
	WaitForAll = coro.WaitForAll

	// FirstError cancels the others when a child has failed, as a group of package errgroup with a
	// context does. Wait returns that child's error.
	FirstError = coro.FirstError

	// FirstSuccess cancels the others when a child has ended without an error. If none does, the error
	// wraps all of theirs.
	FirstSuccess = coro.FirstSuccess

	// FirstEnd cancels the others when a child has ended. Wait returns that child's error.
	FirstEnd = coro.FirstEnd
)

// ErrGroupDecided is what children get as the cause when their Group's policy has cancelled them. It
// wraps [context.Canceled].
var ErrGroupDecided = coro.ErrGroupDecided

// SetLimit lets at most n children run at a time: Go waits while there are so many. It is called
// before the first Go, and panics after it. n must be positive.
func (g *Group) SetLimit(n int) {
	g.mustBeUnused("SetLimit")
	if n <= 0 {
		panic("task: Group.SetLimit needs a positive number")
	}
	g.limit = int32(n)
}

// SetPolicy sets the policy. It is called before the first Go, and panics after it.
func (g *Group) SetPolicy(p GroupPolicy) {
	g.mustBeUnused("SetPolicy")
	if p > coro.FirstEnd {
		panic("task: there is no such GroupPolicy")
	}
	g.policy = p
}

func (g *Group) mustBeUnused(method string) {
	if g.used() != nil {
		panic("task: Group." + method + " after Go: set it before the first child")
	}
}

// Go runs fn as a child: it runs beside the caller if it waits, and may run in place until then. Its
// panic ends it with a [*coro.PanicError]. Go waits only if a limit is reached.
//
// A child that calls [runtime.Goexit] ends with [coro.ErrGoexit]. If a function calls it that is no task
// function, such as FailNow of a test, while the child runs in place, which is so until it has waited,
// that ends the caller of Go too: they are on one goroutine.
func (g *Group) Go(t *T, fn func(*T) error) {
	if !t.s.InTask() {
		g.goOnGoroutine(t, fn)
		return
	}
	if start := startOf(fn); GoesInPlace(t, g) {
		GoInPlace(t, g, start)
	} else {
		GoCall(t, g, coro.StartCall(onSuspension(start)))
	}
}

// GoesInPlace reports whether [Group.Go] runs a child in place: there is room for it, and it is not to
// be left to other workers. If there is a limit, the child has the room then. It is for generated code,
// as are GoInPlace and GoCall.
func GoesInPlace(t *T, g *Group) bool {
	return t.s.InTask() && !t.s.SharesNext() && (g.limit == 0 || g.open(t).Begin())
}

// GoInPlace is [Group.Go] after [GoesInPlace] has returned true, for the start form of a function. That
// does not escape.
func GoInPlace(t *T, g *Group, start func(*T) error) {
	if g.limit == 0 && g.policy == WaitForAll {
		g.callSimply(t, start)
		return
	}
	c := g.open(t)
	if g.limit == 0 {
		c.Begin()
	}
	around := c.Enter(&t.s)
	err := recovering(t, start)
	if !c.Leave(&t.s, around) {
		c.End(&t.s, err)
	}
}

// GoCall is [Group.Go] where [GoesInPlace] is false: the child begins as a task, when there is room.
func GoCall(t *T, g *Group, call coro.Call[None]) {
	c := g.open(t)
	if !t.s.InTask() {
		for !c.Begin() {
			waitOnGoroutine(c, true)
		}
		ctx := c.GoroutineContext(t.s.Context)
		ended := func(err error) { c.End(new(coro.Suspension), err) } // on any goroutine
		launch := coro.RunAsync(t.s.Executor, coro.Context(ctx), coro.OnError(ended), coro.OnResult(func(None) { ended(nil) }))
		if err := launch(call); err != nil {
			ended(err)
		}
		return
	}
	if !c.Begin() {
		t.s.Wait(&roomWait{c, call})
		return
	}
	c.Spawn(&t.s, call)
}

// callSimply is Go for a Group that needs its Children only when a child waits or fails.
func (g *Group) callSimply(t *T, start func(*T) error) {
	err := recovering(t, start)
	if !t.s.Suspended() && err == nil {
		return
	}
	c := g.open(t)
	c.Begin()
	if !c.Leave(&t.s, c.Enter(&t.s)) {
		c.End(&t.s, err)
	}
}

// recovering calls a child's function, and makes its panic an error.
func recovering(t *T, start func(*T) error) (err error) {
	child := t.s.BeginInPlace()
	defer func() {
		if v := recover(); v != nil {
			err = t.s.Recovered(v)
		}
		t.s.EndInPlace(child)
	}()
	return start(t)
}

// roomWait is a child that waits for room.
type roomWait struct {
	c    *coro.Children
	call coro.Call[None]
}

func (r *roomWait) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return r.c.WaitRoom(f, at, r.call)
}

// Wait waits until all children have ended, and returns the error that the policy selects. The end
// of the task's context does not end the wait: it cancels the children. If there is no memory for a
// frame to wait in, the task fails with arena.ErrExhausted before its children have ended; with a
// policy other than WaitForAll they are cancelled.
func (g *Group) Wait(t *T) error {
	c := g.used()
	if c == nil {
		return nil
	}
	if t.s.InTask() {
		if c.Idle() {
			return c.Free(&t.s)
		}
		t.s.Wait((*groupWait)(c))
		return nil
	}
	waitOnGoroutine(c, false)
	return c.Free(&t.s)
}

type groupWait coro.Children

func (w *groupWait) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return (*coro.Children)(w).Wait(f, at)
}

// Abandon is part of coro.Abandonable.
func (w *groupWait) Abandon(s *coro.Suspension) { (*coro.Children)(w).Abandon(s) }

// Cancel cancels the children with the given cause; nil stands for [context.Canceled]. It panics
// unless the Group has a policy other than [WaitForAll].
func (g *Group) Cancel(t *T, cause error) {
	if g.policy == WaitForAll {
		panic("task: Group.Cancel of a Group without a policy: set one, other than WaitForAll, before the first Go")
	}
	if cause == nil {
		cause = context.Canceled
	}
	g.open(t).Cancel(cause)
}

// used returns the children since the last Wait, or nil.
func (g *Group) used() *coro.Children { return coro.ChildrenID(g.children.Load()).Get() }

// open is used, but makes the children if there are none. Children may call it at the same time.
func (g *Group) open(t *T) *coro.Children {
	for {
		old := g.children.Load()
		if c := coro.ChildrenID(old).Get(); c != nil {
			return c
		}
		c := coro.NewChildren(&t.s, g.policy, int(g.limit))
		if g.children.CompareAndSwap(old, uint64(c.ID())) {
			return c
		}
		c.Free(&t.s)
	}
}

// ---- on goroutines

func (g *Group) goOnGoroutine(t *T, fn func(*T) error) {
	c := g.open(t)
	child := &T{}
	child.s.Executor = t.s.Executor
	child.s.Context = c.GoroutineContext(t.s.Context)
	for !c.Begin() {
		waitOnGoroutine(c, true)
	}
	go func() {
		// The error unless fn returns or panics.
		err := error(&coro.PanicError{Value: coro.ErrGoexit, Stack: debug.Stack()})
		defer func() {
			if v := recover(); v != nil {
				err = child.s.Recovered(v)
			}
			c.End(&child.s, err)
		}()
		err = fn(child)
	}()
}

// waitOnGoroutine waits until c has room for another child or, without room, until no child is left.
func waitOnGoroutine(c *coro.Children, room bool) {
	for {
		changed := c.ChangedOnGoroutine(room)
		if changed == nil {
			return
		}
		<-changed
	}
}

// startOf returns the start form of fn. An unbound function gets one that runs it on a goroutine.
func startOf(fn func(*T) error) func(*T) error {
	if b := bound.Of(fn); b != nil {
		if start, ok := bound.StartOf(b, fn); ok {
			return start
		}
	}
	return func(t *T) error {
		_, err := CallPlain(t, func(t *T, _ *None) error { return fn(t) })
		return err
	}
}
