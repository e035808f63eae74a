package waiting

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// launches are the forms of launch. All roots wait for gate.
var launches = []Form{
	{Name: "nothing", Title: "nothing: an empty process", launch: func(*Crowd, int) error { return nil }, bare: true},
	{Name: "go", Title: "coro.Go", launch: launchGo},
	{Name: "on-error", Title: "RunAsync(OnError)", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.OnError(fail))(gated.With(root(i)))
	}},
	{Name: "on-result", Title: "RunAsync(OnResult)", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.OnResult(ignore))(gated.With(root(i)))
	}},
	{Name: "context", Title: "RunAsync(Context), one for all", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.Context(c.ctx))(gated.With(root(i)))
	}},
	{Name: "context-each", Title: "RunAsync(Context), one for each", prepare: prepareCancels, launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.Context(c.newContext()))(gated.With(root(i)))
	}, release: releaseWithCancels},
	{Name: "context-alone", Title: "  these contexts alone", prepare: prepareCancels, launch: func(c *Crowd, _ int) error {
		c.newContext()
		return nil
	}, release: releaseWithCancels, bare: true},
	{Name: "allocator", Title: "RunAsync(Allocator)", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.Allocator(c.counting))(gated.With(root(i)))
	}},
	{Name: "root-frame-size", Title: "RunAsync(RootFrameSize)", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.RootFrameSize(coro.ChainSize(gated)))(gated.With(root(i)))
	}},
	{Name: "counted", Title: "RunAsync(Counted)", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.Counted())(gated.With(root(i)))
	}},
	{Name: "options", Title: "RunAsync, all of these", launch: func(c *Crowd, i int) error {
		return coro.RunAsync(c.executor, coro.OnError(fail), coro.OnResult(ignore), coro.Context(c.ctx),
			coro.Allocator(c.counting), coro.RootFrameSize(coro.ChainSize(gated)), coro.Counted())(gated.With(root(i)))
	}},
	{Name: "start", Title: "Start, the handle kept", prepare: prepareHandles, launch: func(c *Crowd, i int) error {
		return c.start(gated.With(root(i)))
	}},
	{Name: "start-context-each", Title: "Start(Context), one for each", prepare: func(c *Crowd, n int) error {
		prepareCancels(c, n)
		return prepareHandles(c, n)
	}, launch: func(c *Crowd, i int) error {
		return c.start(gated.With(root(i)), coro.Context(c.newContext()))
	}, release: releaseWithCancels},
	{Name: "held-16", Title: "GoHeld, 16 bytes held", launch: func(c *Crowd, i int) error {
		return coro.GoHeld(c.executor, gatedHeld16, root(i), held16{gate: &gate})
	}},
	{Name: "held-64", Title: "GoHeld, 64 bytes held", launch: func(c *Crowd, i int) error {
		return coro.GoHeld(c.executor, gatedHeld64, root(i), held64{gate: &gate})
	}},
}

// small is a state of 16 bytes.
type small [2]uint64

// root returns the state of root i.
func root(i int) small { return small{uint64(i), ^uint64(i)} }

// end ends a root without a failure.
func (s small) end(f *coro.Frame[small, int]) coro.Step {
	if s[0] != ^s[1] {
		return f.Fail(errDamaged)
	}
	ended.Add(1)
	return f.Return(1)
}

// gated waits for gate.
var gated = coro.Define("gated", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return gate.Wait(f, 1)
	}
	return f.State.end(f)
})

// held16 and held64 are held parts of 16 and of 64 bytes.
type (
	held16 struct {
		gate *coro.Event
		_    *string
	}
	held64 struct {
		gate *coro.Event
		_    [7]*string
	}
)

var gatedHeld16 = coro.DefineHeld("gated, 16 bytes held", func(f *coro.Frame[small, int], held *held16) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return held.gate.Wait(f, 1)
	}
	return f.State.end(f)
})

var gatedHeld64 = coro.DefineHeld("gated, 64 bytes held", func(f *coro.Frame[small, int], held *held64) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return held.gate.Wait(f, 1)
	}
	return f.State.end(f)
})

func launchGo(c *Crowd, i int) error { return coro.Go(c.executor, gated, root(i)) }

func ignore(int) {}

// start launches a call with Start, and keeps the handle.
func (c *Crowd) start(call coro.Call[int], opts ...coro.StartOption) error {
	h, err := coro.Start(c.executor, call, opts...)
	c.handles = append(c.handles, h)
	return err
}

func prepareHandles(c *Crowd, n int) error {
	c.handles = touched[*coro.Handle[int]](n)
	return nil
}

func prepareCancels(c *Crowd, n int) error {
	c.cancels = touched[context.CancelFunc](n)
	return nil
}

// newContext returns a context of its own for a root, and keeps its cancel function.
func (c *Crowd) newContext() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancels = append(c.cancels, cancel)
	return ctx
}

// releaseWithCancels lets the roots end, and then cancels their contexts.
func releaseWithCancels(c *Crowd) {
	gate.Set()
	for _, cancel := range c.cancels {
		cancel()
	}
}

// touched returns an empty slice with room for n elements, whose pages have memory.
func touched[T any](n int) []T {
	s := make([]T, n)
	clear(s)
	return s[:0]
}
