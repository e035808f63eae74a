package coro

import (
	"errors"
	"reflect"
	"sync"
	"unsafe"
)

// A join runs one child for each element of a slice. It is a task of a kind that users do not
// see, and the task that calls All, Any or Race awaits it. So a join has a Group of its own, and
// a held part, which keeps the slices alive.

// ErrNoChildren is the error of [Any] and [Race] without any children.
var ErrNoChildren = errors.New("coro: Any or Race without children")

// All runs a task of kind k for each element of args, beside each other, and resumes f's task at
// the resume point at when all have ended. A task begins with its element as state, and its
// result goes to the element of results with the same index. results may be nil. When one task
// fails, the others are cancelled, those that have not begun do not begin, and f.Err returns the
// error of the task that failed first.
//
// The slices may lie in f's state or held part, or anywhere on the Go heap. They belong to the
// tasks until f's task resumes. If there was an error, the contents of results are undefined.
//
// The options are [Limit], and those of [AwaitCall], which apply to all tasks together. As with
// Await, f's step function returns the Step at once.
func All[S, R, CS, CR any](f *Frame[S, R], at int, k *Kind[CS, CR], args []CS, results []CR, opts ...JoinOption) Step {
	if results != nil && len(results) != len(args) {
		panic("coro: task " + quote(f.header.kind.get().name) + ": All needs as many results as args, or nil")
	}
	return join(&f.header, at, unsafe.Sizeof(f.State), joinHeld[CS, CR]{kind: k, args: args, results: results}, nil, FirstError, opts)
}

// Any is like [All], but one success is enough: when a task has ended without an error, its
// result goes to *result and the others are cancelled. If all fail, f.Err returns an error that
// wraps all of theirs. result must lie in f's state or held part, or be nil.
func Any[S, R, CS, CR any](f *Frame[S, R], at int, k *Kind[CS, CR], args []CS, result *CR, opts ...JoinOption) Step {
	return join(&f.header, at, unsafe.Sizeof(f.State), joinHeld[CS, CR]{kind: k, args: args}, result, FirstSuccess, opts)
}

// Race is like [Any], but the first task that ends decides, with or without an error. f.Err
// returns its error.
func Race[S, R, CS, CR any](f *Frame[S, R], at int, k *Kind[CS, CR], args []CS, result *CR, opts ...JoinOption) Step {
	return join(&f.header, at, unsafe.Sizeof(f.State), joinHeld[CS, CR]{kind: k, args: args}, result, FirstEnd, opts)
}

// joinState is the state of a join. Its step function alone uses it, except for the Group.
type joinState struct {
	group  Group
	next   int // index in args: the tasks before it have been spawned
	limit  int // 0: none
	policy GroupPolicy
}

// joinHeld is the held part of a join. Its step function alone uses it, but children write the
// elements of results, and own.values, that are theirs.
type joinHeld[CS, CR any] struct {
	kind    *Kind[CS, CR]
	args    []CS
	results []CR

	// own is the memory that results refers to, if the caller gave none: in Any and Race,
	// where only the winner's result goes to the caller. Otherwise nil.
	own *joinResults[CR]
}

// joinResults is memory for results, which joins of a kind use one after the other. Its values
// are zero while no join uses it.
type joinResults[CR any] struct{ values []CR }

// Resume points of a join.
const (
	joinBegins = iota
	joinHasRoom
	joinEnds
)

// join makes the join a child of h, and returns the Step that awaits it. It is too large to be
// inlined, so its parameters may be large.
func join[CS, CR any](h *header, at int, stateSize uintptr, held joinHeld[CS, CR], result *CR, policy GroupPolicy, opts []JoinOption) Step {
	o := joinOptions(opts)
	if held.kind == nil {
		panic("coro: task " + quote(h.kind.get().name) + ": a join with a nil Kind: make one with Define")
	}
	k := joinKindOf[CS, CR]()
	c := h.awaitFrom(o.allocator, at, &k.kind, unsafe.Pointer(result), stateSize)
	if c.layout&flagRefused == 0 {
		w := h.worker.get()
		if o.needsScope() {
			w.openChildScope(c, &o)
		}
		(*Frame[joinState, CR])(unsafe.Pointer(c)).State = joinState{limit: o.limit, policy: policy}
		k.hold(w, c, &held)
	}
	return Step{next: c, op: opAwait}
}

// joinKind is the kind of all joins whose children have state CS and result CR. Any goroutine may
// use it.
type joinKind[CS, CR any] struct {
	*HeldKind[joinState, joinHeld[CS, CR], CR]
	results sync.Pool // of *joinResults[CR]
}

// joinKinds has all joinKinds, by the types of their held parts. Any goroutine reads byType; mu
// is held while a kind is made and stored, so that there is one of each.
var joinKinds struct {
	byType sync.Map // from reflect.Type to *joinKind[CS, CR]
	mu     sync.Mutex
}

// joinKindOf returns the kind of joins of such children. The first call makes it.
func joinKindOf[CS, CR any]() *joinKind[CS, CR] {
	t := reflect.TypeFor[joinHeld[CS, CR]]()
	if k, ok := joinKinds.byType.Load(t); ok {
		return k.(*joinKind[CS, CR])
	}
	joinKinds.mu.Lock()
	defer joinKinds.mu.Unlock()
	if k, ok := joinKinds.byType.Load(t); ok {
		return k.(*joinKind[CS, CR])
	}
	k := new(joinKind[CS, CR])
	k.results.New = func() any { return new(joinResults[CR]) }
	k.HeldKind = DefineHeld("join", k.run)
	joinKinds.byType.Store(t, k)
	return k
}

// run is the step function of a join.
func (k *joinKind[CS, CR]) run(f *Frame[joinState, CR], held *joinHeld[CS, CR]) Step {
	s := &f.State
	switch f.At() {
	case joinBegins:
		k.begin(f, held)
	case joinEnds:
		return k.end(f, held)
	}
	// The scope of the children is cancelled by a child that fails and, once one of them waits
	// and has armed the scope, by the end of the context or a deadline. Until then,
	// only end finds that: so it is called once at each resume point.
	r := s.group.loadRecord()
	for ended := r.scope.end().err != nil; s.next < len(held.args) && !ended; ended = r.scope.state.Load()&scopeCancelled != 0 {
		if s.limit != 0 && r.full() {
			return s.group.WaitRoom(f, joinHasRoom)
		}
		k.spawn(f, held, s.next)
		s.next++
	}
	return s.group.Wait(f, joinEnds)
}

// begin sets the Group up, and takes memory for results if the join needs its own.
func (k *joinKind[CS, CR]) begin(f *Frame[joinState, CR], held *joinHeld[CS, CR]) {
	s := &f.State
	s.group.SetPolicy(f, s.policy)
	if s.limit != 0 {
		s.group.SetLimit(f, s.limit)
	}
	if s.policy == FirstError {
		return
	}
	held.own = k.results.Get().(*joinResults[CR])
	if n := len(held.args); len(held.own.values) < n {
		held.own.values = make([]CR, n)
	}
	held.results = held.own.values
}

// spawn spawns the child for args[i]. It is [Spawn] with a result that may lie anywhere: the held
// part keeps the slice alive.
func (k *joinKind[CS, CR]) spawn(f *Frame[joinState, CR], held *joinHeld[CS, CR], i int) {
	var result unsafe.Pointer
	if held.results != nil {
		result = unsafe.Pointer(&held.results[i])
	}
	g := &f.State.group
	w := f.header.spawning(g)
	if c := f.header.spawnSlow(w, g, &held.kind.kind, result); c != nil {
		(*Frame[CS, CR])(unsafe.Pointer(c)).State = held.args[i]
		g.start(w, c)
	}
}

// end returns the winner's result, or the error, when all children have ended.
func (k *joinKind[CS, CR]) end(f *Frame[joinState, CR], held *joinHeld[CS, CR]) Step {
	s := &f.State
	var result CR
	err := f.Err()
	if held.own != nil {
		won := s.group.winner
		for i := range held.own.values[:s.next] {
			if p := &held.own.values[i]; won == uintptr(unsafe.Pointer(p)) {
				result = *p
				break
			}
		}
		clear(held.own.values[:s.next])
		k.results.Put(held.own)
		held.own, held.results = nil, nil
		if err == nil && won == 0 {
			if err = f.header.env.cause(); err == nil {
				err = ErrNoChildren
			}
		}
	} else if err == nil && s.next < len(held.args) {
		err = f.header.env.cause() // no child has reported it, but some did not begin
	}
	if err != nil {
		return f.Fail(err)
	}
	return f.Return(result)
}
