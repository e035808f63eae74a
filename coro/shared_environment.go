package coro

import (
	"context"
	"runtime/trace"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Trees that are launched by RunAsync with equal options share one environment, so that a root
// costs its frame, whatever the options are.
//
// # Who uses a shared environment
//
// users counts the roots with it that have not ended, and launches that look at it. A launch takes
// the environment from recent, adds itself to users unless that is 0, and only then compares the
// options: an environment with a user does not change. Who takes the last user off has the
// environment alone: recent may still lead to it, but nobody becomes a user of it any more. So
// it clears the environment and keeps it for another use, in sharedEnvironments. A launch that
// becomes a user just after that other use has begun finds other options.
//
//	users == 0 ... the goroutine that has made it 0 owns all of it, or the pool does
//	users  > 0 ... nobody changes the Environment and trace; the scope has locks of its own
//
// A canceller may come late, when the environment has another use: the scope's generation
// tells the uses apart, see scope.go.
//
// recent does not have all environments. Two trees with equal options may have different ones,
// if many launches with other options came in between, or at the same time: that costs memory and
// nothing else.

// sharedEnvironment is the environment of trees that were launched with the same options. While
// it has users, sharedPins keeps it from the collector.
type sharedEnvironment struct {
	Environment
	trace *treeTrace // of the tree, if that began while a trace was taken; then it has one user
	pin   uint32     // the place in sharedPins, plus 1; 0: it has none

	// root is the scope of all these trees, if hooks says that their context can end; waiting is
	// its lists, each guarded by the lock of its stripe.
	root    scope
	waiting [sharedLists]scopeList

	// hooks says that the end of the context cancels a scope: root or, if the environment was
	// made for a child, that of the child. stop is that of the context's AfterFunc; it is guarded
	// by execRuntime.arming, and by the last user. ownCtx says that the context is not that of
	// the environment around.
	hooks, ownCtx bool
	stop          func() bool

	// hash is that of the options, for a look before use; 0 if launches do not find the
	// environment. The owner stores it.
	hash atomic.Uint64

	// users is changed by additions, and from 0 only by the goroutine that owns the
	// environment.
	users atomic.Int64
}

// words is an interface as two words: values of interfaces may be of types that cannot be
// compared. The environment keeps alive what they refer to, so two are equal only if the values
// are the same.
type words [2]uintptr

func wordsOf[T any](v *T) words { return *(*words)(unsafe.Pointer(v)) }

// funcWord is a function as a word.
func funcWord(f *func(error)) uintptr { return *(*uintptr)(unsafe.Pointer(f)) }

// is reports whether s is what e is with the options o.
func (s *sharedEnvironment) is(e *Environment, o *options) bool {
	allocator, ctx, handler, results, rootSize := &o.allocator, &o.ctx, &o.handler, &o.results, o.rootSize
	if *allocator == nil {
		allocator = &e.allocator
	}
	if *ctx == nil {
		ctx = &e.ctx
	}
	if *handler == nil {
		handler = &e.handler
	}
	if *results == nil {
		results = &e.results
	}
	if rootSize == 0 {
		rootSize = e.rootSize
	}
	return wordsOf(&s.executor) == wordsOf(&e.executor) && s.mark == e.mark &&
		wordsOf(&s.allocator) == wordsOf(allocator) && wordsOf(&s.ctx) == wordsOf(ctx) &&
		funcWord(&s.handler) == funcWord(handler) && wordsOf(&s.results) == wordsOf(results) &&
		s.rootSize == rootSize && s.counted == (e.counted || o.counted) && s.profiled == (e.profiled || o.profiled) &&
		s.onlyCompiled == (e.onlyCompiled || o.onlyCompiled)
}

// hash spreads options over recentEnvironments. It is not 0.
func (o *options) hash() uint64 {
	h := uint64(wordsOf(&o.allocator)[1])>>3 ^ uint64(wordsOf(&o.ctx)[1])>>4 ^ uint64(funcWord(&o.handler))>>5 ^
		uint64(wordsOf(&o.results)[1])>>6 ^ uint64(o.rootSize)
	if o.counted {
		h++
	}
	return h*0x9E3779B97F4A7C15 | 1
}

const (
	recentSets = 16 // powers of two
	recentWays = 4
)

// recentEnvironments leads launches on an executor to environments that other launches have used
// last. Any goroutine loads and stores the pointers; see the head of this file.
type recentEnvironments struct {
	// passing has those with a context. It is no user of them: a context is kept no longer than
	// its trees live.
	passing recentTable

	// kept has the others, and is a user of each: so they need not be made for each tree if trees
	// with the same options come one after the other. They are not in sharedPins meanwhile: the
	// executor keeps them, as it keeps its own environment.
	kept recentTable
}

// recentTable has environments in sets. The hash of the options chooses the set, in which an
// environment may have any place.
type recentTable [recentSets][recentWays]atomic.Pointer[sharedEnvironment]

// table returns the table for environments with the options o.
func (r *recentEnvironments) table(o *options) *recentTable {
	if o.ctx == nil {
		return &r.kept
	}
	return &r.passing
}

// set returns the set for options with the given hash.
func (r *recentTable) set(hash uint64) *[recentWays]atomic.Pointer[sharedEnvironment] {
	return &r[hash>>60%recentSets]
}

// find returns the environment that e is with the options o, of which the caller is a user then,
// or nil.
func (r *recentTable) find(e *Environment, o *options, hash uint64) *sharedEnvironment {
	set := r.set(hash)
	for i := range set {
		if s := set[i].Load(); s != nil && s.hash.Load() == hash && s.use() {
			if s.is(e, o) {
				return s
			}
			s.release()
		}
	}
	return nil
}

// add makes launches find s, in place of another one if the set is full. It returns that.
func (r *recentTable) add(s *sharedEnvironment, hash uint64) (old *sharedEnvironment) {
	set := r.set(hash)
	for i := range set {
		if set[i].Load() == nil && set[i].CompareAndSwap(nil, s) {
			return nil
		}
	}
	return set[r.victim(s)].Swap(s)
}

// victim returns which place of a full set s gets.
func (r *recentTable) victim(s *sharedEnvironment) uintptr {
	return uintptr(unsafe.Pointer(s)) >> 9 % recentWays
}

// remove makes launches find s no more.
func (r *recentTable) remove(s *sharedEnvironment) {
	set := r.set(s.hash.Load())
	for i := range set {
		if set[i].Load() == s {
			set[i].CompareAndSwap(s, nil)
		}
	}
}

var (
	sharedPins pins[sharedEnvironment]

	// sharedEnvironments has environments without users. All of them is zero but the generation
	// of root.
	sharedEnvironments = sync.Pool{New: func() any { return new(sharedEnvironment) }}
)

// shared returns the environment that e is with the options o. The caller is a user of it, until it
// calls release. k is the kind of the root.
func (e *Environment) shared(o *options, k *kind) *sharedEnvironment {
	if trace.IsEnabled() { // each tree has a trace.Task of its own
		s := e.own(o, k)
		s.pin = 1 + sharedPins.add(s)
		return s
	}
	hash := o.hash()
	recent := e.runtime.recent.table(o)
	if s := recent.find(e, o, hash); s != nil {
		return s
	}
	s := e.make(o)
	s.openRoot()
	s.hash.Store(hash)
	if o.ctx != nil {
		s.pin = 1 + sharedPins.add(s)
		s.users.Store(1)
		recent.add(s, hash)
		return s
	}
	s.users.Store(2) // the caller and the table
	if old := recent.add(s, hash); old != nil {
		old.pin = 1 + sharedPins.add(old) // its trees may live on
		old.release()
	}
	return s
}

// own returns the environment that e is with the options o, for one tree. The caller keeps it
// alive until it has called release.
func (e *Environment) own(o *options, k *kind) *sharedEnvironment {
	s := e.make(o)
	s.openRoot()
	if trace.IsEnabled() {
		s.trace = new(treeTrace)
		s.trace.begin(&s.Environment, k)
	}
	s.users.Store(1)
	return s
}

// derive returns the environment that e is with the options o, for one child. The scope of the
// child releases it. chained says that the end of e's context ends the child too.
func (e *Environment) derive(o *options, chained bool) *sharedEnvironment {
	s := e.make(o)
	if o.ctx != nil {
		s.ownCtx = true
		s.around = nil
		if chained {
			s.around = e
		}
		s.hooks = o.ctx.Done() != nil
	}
	s.pin = 1 + sharedPins.add(s)
	s.users.Store(1)
	return s
}

// make returns the environment that e is with the options o, which has no users yet.
func (e *Environment) make(o *options) *sharedEnvironment {
	s := sharedEnvironments.Get().(*sharedEnvironment)
	s.Environment = e.with(o)
	s.Environment.shares = s
	return s
}

// openRoot makes root the scope of trees with the environment, if its context can end.
func (s *sharedEnvironment) openRoot() {
	if s.ctx != nil && s.ctx.Done() != nil {
		s.hooks = true
		s.root.begin(&s.Environment, scopeShared)
	}
}

// ref returns what the frames of a root with the environment refer to.
func (s *sharedEnvironment) ref() envRef {
	if s.root.env != 0 {
		return s.root.ref()
	}
	return envRef(unsafe.Pointer(&s.Environment))
}

// hook makes the end of the context cancel the scope c. The caller holds execRuntime.arming.
func (s *sharedEnvironment) hook(rt *execRuntime, c *scope) {
	ctx, generation := s.ctx, generationOf(c.state.Load())
	s.stop = context.AfterFunc(ctx, func() { rt.cancel(c, generation, ending{ctx.Err(), context.Cause(ctx)}) })
}

// use makes the caller a user, and reports whether it did. It does not if s has none.
func (s *sharedEnvironment) use() bool {
	for {
		n := s.users.Load()
		if n == 0 {
			return false
		}
		if s.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release takes off a user: a root that has ended, of whose tree no frame is left.
func (s *sharedEnvironment) release() {
	if s.users.Add(-1) != 0 {
		return
	}
	if s.hash.Load() != 0 {
		s.runtime.recent.passing.remove(s) // no table is a user of s: if it was in kept, it is not there any more
		s.hash.Store(0)
	}
	s.closeRoot()
	if s.trace != nil {
		s.trace.end()
		s.trace = nil
	}
	if s.pin != 0 {
		sharedPins.remove(s.pin - 1)
		s.pin = 0
	}
	s.Environment, s.ownCtx = Environment{}, false
	sharedEnvironments.Put(s)
}

// closeRoot undoes openRoot and hook. No tree with the environment is left.
func (s *sharedEnvironment) closeRoot() {
	if s.stop != nil {
		s.stop() // a canceller that has begun finds another generation
		s.stop = nil
	}
	s.hooks = false
	if s.root.env != 0 {
		s.root.finish()
	}
}

// rootEnded delivers the outcome of a root whose result went to result, to the functions of the
// options.
func (s *sharedEnvironment) rootEnded(w *Worker, result uintptr, err error) {
	handler, results, rt, k := s.handler, s.results, s.runtime, w.failed
	s.release() // first: the handler may look at what is live
	switch {
	case err != nil:
		if results != nil {
			results.drop(w, result)
		}
		rt.rootFailed(handler, k, err)
	case results != nil:
		results.deliver(w, result)
	}
}
