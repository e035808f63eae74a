package coro

import (
	"context"
	"time"

	"github.com/framearena/framearena/arena"
)

// Option changes the environment of one launch or, with [AwaitCall] and [SpawnCall], of
// one child and what it awaits.
type Option struct {
	allocator arena.FrameAllocator
	ctx       context.Context
	handler   func(error)
	results   resultHandler
	rootSize  uintptr
	timeout   time.Duration
	deadline  time.Time
	shielded  bool
	counted   bool
	profiled  bool // and counted
	limit     int
}

// merge makes o say what other says, and keep what it does not say.
func (o *Option) merge(other Option) {
	if other.allocator != nil {
		o.allocator = other.allocator
	}
	if other.ctx != nil {
		o.ctx = other.ctx
	}
	if other.handler != nil {
		o.handler = other.handler
	}
	if other.results != nil {
		o.results = other.results
	}
	if other.rootSize != 0 {
		o.rootSize = other.rootSize
	}
	if other.timeout != 0 {
		o.timeout = other.timeout
	}
	if !other.deadline.IsZero() {
		o.deadline = other.deadline
	}
	o.shielded = o.shielded || other.shielded
	o.counted = o.counted || other.counted
	o.profiled = o.profiled || other.profiled
	if other.limit != 0 {
		o.limit = other.limit
	}
}

// Allocator makes m serve every frame of the launched tree, and of no other. It
// is called from the goroutines that launch and run the tree, and must not be
// closed before the tree has ended.
func Allocator(m arena.FrameAllocator) Option { return Option{allocator: m} }

// Context gives the tree a context: when it ends, tasks of the tree that wait
// for something go on and learn it from Err, and others after their next Yield.
func Context(ctx context.Context) Option { return Option{ctx: ctx} }

// Timeout cancels the child, and what it awaits, when so much time has passed: tasks that
// wait go on, and Err is [context.DeadlineExceeded]. A timeout that is not positive has
// passed already. It is an option of [AwaitCall] and [SpawnCall].
func Timeout(d time.Duration) Option { return Option{timeout: max(d, 1)} }

// Deadline is [Timeout] with a point in real time, whatever clock the executor has.
func Deadline(t time.Time) Option { return Option{deadline: t} }

// Shield keeps the child, and what it awaits, from learning that what is around it has
// ended: the tree's context, a deadline, a group. It is for what must be brought to an
// end, such as to give something back over a connection, and is best combined with a
// [Timeout]. Closing the executor still cancels it. It is an option of [AwaitCall] and
// [SpawnCall].
func Shield() Option { return Option{shielded: true} }

// OnError makes f get the root's error, in place of the executor's handler. It is
// called on the worker's goroutine.
func OnError(f func(error)) Option { return Option{handler: f} }

// OnResult makes f get the root's result, if it ends without an error. It is called on the
// worker's goroutine. R must be the result type of what is launched: the launch panics
// otherwise. OnResult is an option of [RunAsync].
func OnResult[R any](f func(R)) Option {
	if f == nil {
		return Option{}
	}
	return Option{results: resultFunc[R](f)}
}

// RootFrameSize makes the root's frame at least n bytes large, so that what it
// awaits, and what that awaits, can be elided: see [ChainSize]. Whatever the size, no
// more than 1 MiB behind the root's state is used.
func RootFrameSize(n uintptr) Option { return Option{rootSize: n} }

// Counted makes the tasks of the launched tree be counted by kind, for [Stats]. Such
// a tree is slower: its tasks take the slow path of an Await and of a Return. Other
// trees do not pay for it.
func Counted() Option { return Option{counted: true} }

// Profiled makes the tasks of the launched tree be in the profiles that
// [WriteFrameProfile] writes, and be counted, as [Counted] does. Such a tree is slower
// still: each begin and each end of a task takes a lock, which tasks in other memory
// seldom share, and some 30 bytes on the Go heap remember where a live one came from. A
// launch also notes the stack of its goroutine. Other trees do not pay for it: give it
// to one launch in a hundred, and the profile is of a hundredth.
func Profiled() Option { return Option{counted: true, profiled: true} }

// Limit makes [All], [Any] and [Race] have at most n children at a time. There are no more
// frames than that.
func Limit(n int) Option {
	if n <= 0 {
		panic("coro: Limit needs a positive number")
	}
	return Option{limit: n}
}

// mergeForPart returns all of opts, which are for a part of a tree, in one.
func mergeForPart(opts []Option) Option {
	var all Option
	for _, o := range opts {
		all.merge(o)
	}
	all.mustBeForPart()
	return all
}

// mustBeForPart panics if there is an option that is not for a part of a tree.
func (o *Option) mustBeForPart() {
	if o.handler != nil || o.results != nil || o.rootSize != 0 || o.counted {
		panic("coro: OnError, OnResult, RootFrameSize and Counted are for launches, not for a child")
	}
	o.mustNotLimit()
}

// forPart reports whether o needs a scope.
func (o *Option) forPart() bool {
	return o.allocator != nil || o.ctx != nil || o.timeout != 0 || !o.deadline.IsZero() || o.shielded
}

func (o *Option) mustNotLimit() {
	if o.limit != 0 {
		panic("coro: the option Limit is for All, Any and Race; a Group has a method for that")
	}
}

// with returns a copy of e, changed by opts.
func (e *Environment) with(opts []Option) Environment {
	changed := *e
	var all Option
	for _, o := range opts {
		if o.timeout != 0 || !o.deadline.IsZero() || o.shielded {
			panic("coro: Timeout, Deadline and Shield are for AwaitCall and SpawnCall: a launch has a context for that")
		}
		o.mustNotLimit()
		all.merge(o)
	}
	if all.allocator != nil {
		changed.allocator = all.allocator
	}
	if all.ctx != nil {
		changed.ctx = all.ctx
	}
	if all.handler != nil {
		changed.handler = all.handler
	}
	if all.rootSize != 0 {
		changed.rootSize = all.rootSize
	}
	changed.counted = changed.counted || all.counted
	changed.profiled = changed.profiled || all.profiled
	return changed
}
