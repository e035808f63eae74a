package task

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// Run launches c on ex, waits until it has ended, and returns its result and error. If ctx ends, the
// function's waits return ctx's cause; Run still waits for the function to return. If ex is closed
// meanwhile, Run returns ex's error. A panic of the function is a [*coro.PanicError].
//
// Run must not be called by a task function that is compiled, since it would block the worker:
// call the function itself.
func Run[R any](ctx context.Context, ex coro.Executor, c Call[R], opts ...Option) (R, error) {
	call, o, err := c.launchable(opts)
	if err != nil {
		var none R
		return none, err
	}
	if o == nil {
		return coro.Run(ctx, ex, call)
	}
	if ctx == nil || ctx == context.Background() {
		ctx = o.ctx
	}
	return coro.Run(ctx, ex, call, o.start()...)
}

// Go launches c on ex and does not wait for it. Its result is dropped; its error goes to the function
// of [OnError] or, without that, to ex's error handler. Go itself returns an error, and has launched
// nothing, if there is no memory ([arena.ErrExhausted]) or ex takes no more tasks. Go may be called
// from any goroutine, and in task functions.
func Go[R any](ex coro.Executor, c Call[R], opts ...Option) error {
	call, o, err := c.launchable(opts)
	if err != nil {
		return err
	}
	if o == nil {
		return coro.GoCall(ex, call)
	}
	return coro.GoCall(ex, call, o.launch()...)
}

// Start launches c on ex and returns a handle of it. The errors are those of [Go]. The function is no
// child of the one that calls Start, and ends by itself. Start allocates one object on the Go heap.
func Start[R any](ex coro.Executor, c Call[R], opts ...Option) (Handle[R], error) {
	call, o, err := c.launchable(opts)
	if err != nil {
		return Handle[R]{}, err
	}
	h, err := coro.Start(ex, call, o.start()...)
	return Handle[R]{h}, err
}

// launchable returns what coro launches. o is nil if there are no options.
func (c Call[R]) launchable(opts []Option) (call coro.Call[R], o *options, err error) {
	if len(opts) > 0 {
		o = new(options)
		for _, opt := range opts {
			opt.apply(o)
		}
	}
	call, err = c.forLaunch(o)
	return call, o, err
}

func (c Call[R]) forLaunch(o *options) (coro.Call[R], error) {
	plain := c.plain
	if plain == nil {
		if o == nil || !o.onGoroutine || c.call == (coro.Call[R]{}) {
			return c.call, nil // coro refuses the zero Call
		}
		plain = c.call.TakeKept().(form[R])
	}
	if o != nil && o.requireCompiled {
		name, file, line := position(plain.code())
		return coro.Call[R]{}, &coro.NotCompiledError{Function: coro.KindInfo{Name: name, File: file, Line: line}}
	}
	return plainCall(plain), nil
}
