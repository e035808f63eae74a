package task

import (
	"context"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// Option is an option of [Run], [Go] and [Start]. If one is given twice, the last one is in force.
type Option interface{ apply(*options) }

// options is what the options of one launch say together.
type options struct {
	allocator       arena.FrameAllocator
	ctx             context.Context
	onError         func(error)
	counted         bool
	profiled        bool
	requireCompiled bool
	onGoroutine     bool
}

type option func(*options)

func (f option) apply(o *options) { f(o) }

// Allocator makes m the allocator of every frame of the launched tree, and of no other frame: of the
// function, of those that it calls, and of their groups. m must not be closed before the tree has
// ended. Functions that are not compiled have no frames. A nil m is no option.
func Allocator(m arena.FrameAllocator) Option { return option(func(o *options) { o.allocator = m }) }

// Context gives the launched tree a context. When ctx ends, the waits of its functions return ctx's
// cause. A nil ctx is no option. The ctx of [Run] comes first, unless it is the background context.
func Context(ctx context.Context) Option { return option(func(o *options) { o.ctx = ctx }) }

// OnError makes f get the error of a function that [Go] has launched, instead of the executor's
// handler. f is called on the goroutine of a worker. [Run] and [Start] give the error to their caller:
// for them OnError changes nothing. A nil f is no option.
func OnError(f func(error)) Option { return option(func(o *options) { o.onError = f }) }

// Counted counts the frames of the launched tree by function, for [coro.Stats].
func Counted() Option { return option(func(o *options) { o.counted = true }) }

// Profiled shows the frames of the launched tree in the profiles of [coro.WriteFrameProfile], and
// counts them.
func Profiled() Option { return option(func(o *options) { o.profiled = true }) }

// ErrNotCompiled is what the error wraps of a function that is not compiled, in a tree that was
// launched with [RequireCompiled]. The error names the function.
var ErrNotCompiled = coro.ErrNotCompiled

// RequireCompiled refuses functions that are not compiled: the launch of one returns an error that
// wraps [ErrNotCompiled], and the call of one by a compiled function of the tree fails with such an
// error. Without it such functions run on goroutines. In a program that is built with the tag
// framearena_plain, which leaves generated code out, it has no effect.
func RequireCompiled() Option { return option(func(o *options) { o.requireCompiled = !builtPlain }) }

// OnGoroutine runs the function on a goroutine even if it is compiled, and with it all that it calls.
// It is for comparing the two.
func OnGoroutine() Option { return option(func(o *options) { o.onGoroutine = true }) }

// tree appends the options of package coro for all launches.
func tree[O any](o *options, as func(coro.TreeOption) O, out []O) []O {
	if o.allocator != nil {
		out = append(out, as(coro.Allocator(o.allocator)))
	}
	if o.ctx != nil {
		out = append(out, as(coro.Context(o.ctx)))
	}
	if o.profiled {
		out = append(out, as(coro.Profiled()))
	} else if o.counted {
		out = append(out, as(coro.Counted()))
	}
	if o.requireCompiled {
		out = append(out, as(coro.CompiledOnly()))
	}
	return out
}

// start returns the options of coro.Start and coro.Run.
func (o *options) start() []coro.StartOption {
	if o == nil {
		return nil
	}
	return tree(o, func(t coro.TreeOption) coro.StartOption { return t }, nil)
}

// launch returns the options of coro.GoCall.
func (o *options) launch() []coro.LaunchOption {
	out := tree(o, func(t coro.TreeOption) coro.LaunchOption { return t }, nil)
	if o.onError != nil {
		out = append(out, coro.OnError(o.onError))
	}
	return out
}
