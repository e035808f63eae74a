package coro

import (
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
// key: an environment with a user does not change. Who takes the last user off has the
// environment alone: recent may still lead to it, but nobody becomes a user of it any more. So
// it clears the environment and keeps it for another use, in sharedEnvironments. A launch that
// becomes a user just after that other use has begun finds another key.
//
//	users == 0 ... the goroutine that has made it 0 owns all of it, or the pool does
//	users  > 0 ... nobody changes env, key and trace; the registry has locks of its own
//
// A canceller may come late, when the environment has another use: the registry's generation
// tells the uses apart, see wait_registry.go.
//
// recent does not have all environments. Two trees with equal options may have different ones,
// if many launches with other options came in between, or at the same time: that costs memory and
// nothing else.

// sharedEnvironment is the environment of trees that were launched with the same options. While
// it has users, sharedPins keeps it from the collector.
type sharedEnvironment struct {
	Environment
	key   environmentKey
	tree  waitRegistry // of all these trees, if their context can end
	trace treeTrace    // of the tree, if that began while a trace was taken; then it has one user
	pin   uint32

	// users is changed by additions, and from 0 only by the goroutine that owns the
	// environment.
	users atomic.Int64
}

// environmentKey identifies what an environment was made from: what is launched on, and the
// options. It has words in place of pointers and interfaces, since values of interfaces may be of types
// that cannot be compared. The environment keeps alive what they refer to, so two keys are equal
// only if the options are.
type environmentKey struct {
	base              *Environment
	allocator, ctx    [2]uintptr
	handler, results  uintptr
	rootSize          uintptr
	counted, profiled bool
}

// keyOf returns the key of the environment that base is with the options o.
func keyOf(base *Environment, o *options) environmentKey {
	return environmentKey{
		base:      base,
		allocator: *(*[2]uintptr)(unsafe.Pointer(&o.allocator)),
		ctx:       *(*[2]uintptr)(unsafe.Pointer(&o.ctx)),
		handler:   *(*uintptr)(unsafe.Pointer(&o.handler)),
		results:   (*[2]uintptr)(unsafe.Pointer(&o.results))[1],
		rootSize:  o.rootSize,
		counted:   o.counted,
		profiled:  o.profiled,
	}
}

// hash spreads keys over recentEnvironments.
func (k *environmentKey) hash() uintptr {
	h := uint64(k.allocator[1]) ^ uint64(k.ctx[1])>>4 ^ uint64(k.handler)>>5 ^ uint64(k.results)>>6 ^ uint64(k.rootSize)
	return uintptr(h*0x9E3779B97F4A7C15>>32) % numRecent
}

const numRecent = 16

// recentEnvironments leads launches on an executor to environments that other launches have used
// last. Any goroutine loads and stores the pointers; see the head of this file.
type recentEnvironments [numRecent]atomic.Pointer[sharedEnvironment]

var (
	sharedPins pins[sharedEnvironment]

	// sharedEnvironments has environments without users, which are zero except for users, which is 0,
	// and the generation of tree.
	sharedEnvironments = sync.Pool{New: func() any { return new(sharedEnvironment) }}
)

// shared returns the environment that e is with the options o. The caller is a user of it, until it
// calls release. k is the kind of the root.
func (e *Environment) shared(o *options, k *kind) *sharedEnvironment {
	key := keyOf(e, o)
	traced := trace.IsEnabled() // then each tree has a trace.Task of its own
	recent := &e.runtime.recent[key.hash()]
	if s := recent.Load(); s != nil && !traced && s.use() {
		if s.key == key {
			return s
		}
		s.release()
	}
	s := sharedEnvironments.Get().(*sharedEnvironment)
	s.Environment = e.with(o)
	s.Environment.shares = s
	s.tree.open(&s.Environment)
	s.pin = sharedPins.add(s)
	if traced {
		s.trace.begin(&s.Environment, k)
	} else {
		s.key = key
	}
	s.users.Store(1)
	if !traced {
		recent.Store(s)
	}
	return s
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
	s.runtime.recent[s.key.hash()].CompareAndSwap(s, nil)
	s.tree.close()
	s.trace.end()
	sharedPins.remove(s.pin)
	s.Environment, s.key = Environment{}, environmentKey{}
	sharedEnvironments.Put(s)
}

// rootEnded delivers the outcome of a root whose result went to result. k is the root's kind if err
// is not nil.
func (s *sharedEnvironment) rootEnded(w *Worker, result uintptr, k *kind, err error) {
	handler, results, rt := s.handler, s.results, s.runtime
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
