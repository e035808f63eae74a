package coro

import (
	"context"
	"time"

	"github.com/framearena/framearena/arena"
)

// Each function that takes options has an interface of its own, and each option implements
// the interfaces of the functions that can take it. So an option that a function cannot take
// does not compile. If an option is given twice, the last one is in force.

// LaunchOption is an option of [RunAsync].
type LaunchOption interface{ launchOption() }

// StartOption is an option of [Start].
type StartOption interface{ startOption() }

// SeqOption is an option of the loops over a generator: [SeqKind.Seq] and [SeqKind.Seq2].
type SeqOption interface{ seqOption() }

// JoinOption is an option of [All], [Any] and [Race].
type JoinOption interface{ joinOption() }

// ChildOption is an option of [AwaitCall] and [SpawnCall], and also one of [All], [Any] and
// [Race].
type ChildOption interface {
	JoinOption
	childOption()
}

// ErrorOption is an option of the calls that would otherwise drop the error of a root, or leave
// it to the executor's handler.
type ErrorOption interface {
	LaunchOption
	SeqOption
}

// TreeOption is an option of every call that makes a root.
type TreeOption interface {
	LaunchOption
	StartOption
	SeqOption
}

// Option is an option of every call that takes options.
type Option interface {
	TreeOption
	ChildOption
}

// options is what the options of one call say together. It belongs to the function that was
// called.
type options struct {
	allocator arena.FrameAllocator // nil: not given
	ctx       context.Context      // nil: not given
	handler   func(error)          // nil: not given
	results   resultHandler        // nil: not given
	rootSize  uintptr              // in bytes; 0: not given
	timeout   time.Duration        // 0: not given
	deadline  time.Time            // zero: not given
	limit     int                  // 0: not given
	shielded  bool
	counted   bool
	profiled  bool

	onlyCompiled bool
}

// add records option, which is a LaunchOption, StartOption, SeqOption, ChildOption or
// JoinOption.
//
// An option costs no memory on the Go heap: add keeps none of them, and the compiler sees that.
// It would not see it if add called a method of an option, or if an option were a single
// pointer: that would be the data word of the interface, and what it points to would be kept
// with it.
func (o *options) add(option any) {
	switch opt := option.(type) {
	case allocatorOption:
		if opt.m != nil {
			o.allocator = opt.m
		}
	case contextOption:
		if opt.ctx != nil {
			o.ctx = opt.ctx
		}
	case timeoutOption:
		o.timeout = max(time.Duration(opt), 1)
	case deadlineOption:
		if !opt.at.IsZero() {
			o.deadline = opt.at
		}
	case shieldOption:
		o.shielded = true
	case limitOption:
		o.limit = int(opt)
	case errorOption:
		if opt.handler != nil {
			o.handler = opt.handler
		}
	case rootSizeOption:
		if opt != 0 {
			o.rootSize = uintptr(opt)
		}
	case countedOption:
		o.counted = true
	case profiledOption:
		o.counted, o.profiled = true, true
	case compiledOnlyOption:
		o.onlyCompiled = true
	case resultOption:
		if opt.results != nil {
			o.results = opt.results
		}
	default:
		panic("coro: an option is nil: leave it out, or make it with one of this package's functions")
	}
}

// There is one function for each interface, since the compiler does not look into a generic
// function that is called from another package, and would move the options to the Go heap.

func launchOptions(opts []LaunchOption) (o options) {
	for _, opt := range opts {
		o.add(opt)
	}
	return o
}

func startOptions(opts []StartOption) (o options) {
	for _, opt := range opts {
		o.add(opt)
	}
	return o
}

func seqOptions(opts []SeqOption) (o options) {
	for _, opt := range opts {
		o.add(opt)
	}
	return o
}

func childOptions(opts []ChildOption) (o options) {
	for _, opt := range opts {
		o.add(opt)
	}
	return o
}

func joinOptions(opts []JoinOption) (o options) {
	for _, opt := range opts {
		o.add(opt)
	}
	return o
}

// Allocator makes m the allocator of every frame of the launched tree, or of the child and what
// it awaits, and of no other frame. Its methods are called on the goroutines that launch and
// run the tree. m must not be closed before the tree has ended. A nil m is no option.
func Allocator(m arena.FrameAllocator) Option { return allocatorOption{m} }

type allocatorOption struct{ m arena.FrameAllocator }

// Context gives the tree, or the child and what it awaits, a context. When ctx ends, tasks that
// wait resume, and [Frame.Err] returns its cause; other tasks see it after their next [Yield].
// A nil ctx is no option.
func Context(ctx context.Context) Option { return contextOption{ctx} }

type contextOption struct{ ctx context.Context }

// Timeout cancels the child, and what it awaits, when the time d has passed: tasks that wait
// resume, and [Frame.Err] returns [context.DeadlineExceeded]. A d that is not positive has
// passed at once. The time begins with the call or, if [Group.SetLimit] has the child queued, when
// the child begins.
func Timeout(d time.Duration) ChildOption { return timeoutOption(d) }

type timeoutOption time.Duration

// Deadline is [Timeout] with a point in real time, whatever clock the executor has. The zero
// time is no option.
func Deadline(t time.Time) ChildOption { return deadlineOption{t} }

type deadlineOption struct{ at time.Time }

// Shield keeps the child, and what it awaits, running when what surrounds it ends: the tree's
// context, a deadline, a group. It is for work that must be completed, such as returning
// something over a connection, and is best combined with a [Timeout]. Closing the executor
// still cancels it.
func Shield() ChildOption { return shieldOption{} }

type shieldOption struct{}

// Limit makes [All], [Any] and [Race] run at most n children at a time, and make at most n
// frames for them. It panics unless n is positive.
func Limit(n int) JoinOption {
	if n <= 0 {
		panic("coro: Limit needs a positive number")
	}
	return limitOption(n)
}

type limitOption int

// OnError makes f get the root's error instead of the executor's handler. f is called on the
// worker's goroutine. A nil f is no option.
func OnError(f func(error)) ErrorOption { return errorOption{handler: f} }

type errorOption struct {
	handler func(error)
	_       uintptr // so that it is not a single pointer; see add
}

// OnResult makes f get the root's result, if the root ends without an error. f is called on the
// worker's goroutine. R must be the result type of the call: otherwise the launch panics. A nil
// f is no option.
func OnResult[R any](f func(R)) LaunchOption {
	if f == nil {
		return resultOption{}
	}
	return resultOption{resultFunc[R](f)}
}

type resultOption struct{ results resultHandler }

// RootFrameSize makes the root's frame at least n bytes large, so that its children, and their
// children, can be elided; see [ChainSize]. At most 1 MiB behind the root's state is used.
func RootFrameSize(n uintptr) TreeOption { return rootSizeOption(n) }

type rootSizeOption uintptr

// Counted counts the tasks of the launched tree by kind, for [Stats]. Such a tree is slower:
// its tasks take the slow path of an Await and of a Return. Other trees do not pay for it.
func Counted() TreeOption { return countedOption{} }

type countedOption struct{}

// Profiled shows the tasks of the launched tree in the profiles of [WriteFrameProfile], and
// counts them as [Counted] does. Such a tree is slower still: the begin and the end of each
// task take a lock, which tasks in other memory seldom share, and about 30 bytes on the Go heap
// record where a live task came from. A launch also records the stack of its goroutine. Other
// trees do not pay for it. Give it to one launch in a hundred, and the profile shows a
// hundredth of the tasks.
func Profiled() TreeOption { return profiledOption{} }

type profiledOption struct{}

func (allocatorOption) launchOption() {}
func (contextOption) launchOption()   {}
func (errorOption) launchOption()     {}
func (resultOption) launchOption()    {}
func (rootSizeOption) launchOption()  {}
func (countedOption) launchOption()   {}
func (profiledOption) launchOption()  {}

func (allocatorOption) startOption() {}
func (contextOption) startOption()   {}
func (rootSizeOption) startOption()  {}
func (countedOption) startOption()   {}
func (profiledOption) startOption()  {}

func (allocatorOption) seqOption() {}
func (contextOption) seqOption()   {}
func (errorOption) seqOption()     {}
func (rootSizeOption) seqOption()  {}
func (countedOption) seqOption()   {}
func (profiledOption) seqOption()  {}

func (allocatorOption) childOption() {}
func (contextOption) childOption()   {}
func (timeoutOption) childOption()   {}
func (deadlineOption) childOption()  {}
func (shieldOption) childOption()    {}

func (allocatorOption) joinOption() {}
func (contextOption) joinOption()   {}
func (timeoutOption) joinOption()   {}
func (deadlineOption) joinOption()  {}
func (shieldOption) joinOption()    {}
func (limitOption) joinOption()     {}

// needsScope reports whether o gives a child an environment of its own.
func (o *options) needsScope() bool {
	return o.allocator != nil || o.ctx != nil || o.timeout != 0 || !o.deadline.IsZero() || o.shielded
}

// with returns a copy of e, changed by the options of a launch.
func (e *Environment) with(o *options) Environment {
	changed := *e
	if o.allocator != nil {
		changed.allocator = o.allocator
	}
	if o.ctx != nil {
		changed.ctx = o.ctx
	}
	if o.handler != nil {
		changed.handler = o.handler
	}
	if o.results != nil {
		changed.results = o.results
	}
	if o.rootSize != 0 {
		changed.rootSize = o.rootSize
	}
	changed.counted = changed.counted || o.counted
	changed.profiled = changed.profiled || o.profiled
	changed.onlyCompiled = changed.onlyCompiled || o.onlyCompiled
	return changed
}
