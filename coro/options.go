package coro

import (
	"context"
	"time"

	"github.com/framearena/framearena/arena"
)

// Each call that takes options has an interface of its own, and each option implements
// those of the calls that can take it. So an option that a call cannot take does not
// compile. Where an option is given twice, the last one holds.

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

// ErrorOption is an option of the calls that drop the error of a root otherwise.
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

// options is what the options of one call say together. It is the caller's.
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
}

// add makes o say what option says, which is a LaunchOption, StartOption, SeqOption,
// ChildOption or JoinOption.
//
// An option costs no memory on the Go heap, because the compiler sees that add keeps none:
// it calls no method of an option, and no option is a single pointer, which would be the
// interface's data word and be kept with what it points to.
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
	case resultOption:
		if opt.results != nil {
			o.results = opt.results
		}
	default:
		panic("coro: an option is nil: leave it out, or make it with one of this package's functions")
	}
}

// One function for each interface: the compiler does not look into a generic one where it is
// called from another package, and would let the options escape.

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

// Allocator makes m serve every frame of the launched tree, or of the child and what it
// awaits, and of no other. It is called from the goroutines that launch and run the tree,
// and must not be closed before the tree has ended. A nil m is no option.
func Allocator(m arena.FrameAllocator) Option { return allocatorOption{m} }

type allocatorOption struct{ m arena.FrameAllocator }

// Context gives the tree, or the child and what it awaits, a context: when it ends, tasks
// that wait for something resume and learn it from [Frame.Err], and others after their next
// [Yield]. A nil ctx is no option.
func Context(ctx context.Context) Option { return contextOption{ctx} }

type contextOption struct{ ctx context.Context }

// Timeout cancels the child, and what it awaits, when the time d has passed: tasks that
// wait resume, and [Frame.Err] is [context.DeadlineExceeded]. A d that is not positive has
// passed already.
func Timeout(d time.Duration) ChildOption { return timeoutOption(d) }

type timeoutOption time.Duration

// Deadline is [Timeout] with a point in real time, whatever clock the executor has. The
// zero time is no option.
func Deadline(t time.Time) ChildOption { return deadlineOption{t} }

type deadlineOption struct{ at time.Time }

// Shield keeps the child, and what it awaits, from the end of what surrounds it: the
// tree's context, a deadline, a group. It is for work that must be brought to an end, such
// as returning something over a connection, and is best combined with a [Timeout]. Closing
// the executor still cancels it.
func Shield() ChildOption { return shieldOption{} }

type shieldOption struct{}

// Limit makes [All], [Any] and [Race] have at most n children at a time. There are no more
// frames than that. It panics unless n is positive.
func Limit(n int) JoinOption {
	if n <= 0 {
		panic("coro: Limit needs a positive number")
	}
	return limitOption(n)
}

type limitOption int

// OnError makes f get the root's error, in place of the executor's handler. It is
// called on the worker's goroutine. A nil f is no option.
func OnError(f func(error)) ErrorOption { return errorOption{handler: f} }

type errorOption struct {
	handler func(error)
	_       uintptr // see add
}

// OnResult makes f get the root's result, if it ends without an error. It is called on the
// worker's goroutine. R must be the result type of what is launched: the launch panics
// otherwise. A nil f is no option.
func OnResult[R any](f func(R)) LaunchOption {
	if f == nil {
		return resultOption{}
	}
	return resultOption{resultFunc[R](f)}
}

type resultOption struct{ results resultHandler }

// RootFrameSize makes the root's frame at least n bytes large, so that its children, and
// theirs, can be elided: see [ChainSize]. Whatever the size, no more than 1 MiB behind the
// root's state is used.
func RootFrameSize(n uintptr) TreeOption { return rootSizeOption(n) }

type rootSizeOption uintptr

// Counted counts the tasks of the launched tree by kind, for [Stats]. Such a tree is
// slower: its tasks take the slow path of an Await and of a Return. Other trees do not pay
// for it.
func Counted() TreeOption { return countedOption{} }

type countedOption struct{}

// Profiled puts the tasks of the launched tree into the profiles that [WriteFrameProfile]
// writes, and counts them as [Counted] does. Such a tree is slower still: each begin and
// each end of a task takes a lock, which tasks in other memory seldom share, and some 30
// bytes on the Go heap remember where a live one came from. A launch also notes the stack
// of its goroutine. Other trees do not pay for it: give it to one launch in a hundred, and
// the profile is of a hundredth.
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
	if o.rootSize != 0 {
		changed.rootSize = o.rootSize
	}
	changed.counted = changed.counted || o.counted
	changed.profiled = changed.profiled || o.profiled
	return changed
}
