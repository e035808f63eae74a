package coro_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A layer is something around a task that has an influence on its context. model makes the
// same of contexts of package context.
type contextLayer struct {
	name  string
	opts  func() []coro.ChildOption
	group coro.GroupPolicy // spawned in a Group with this policy
	on    bool             // awaited on another executor
	model func(around context.Context) context.Context
}

var errOfLayer = errors.New("the layer's own cause")

func layerWithTimeout(d time.Duration) func(context.Context) context.Context {
	return func(around context.Context) context.Context {
		ctx, cancel := context.WithTimeout(around, d)
		context.AfterFunc(ctx, cancel)
		return ctx
	}
}

// layerContext returns a context with a value that ends after an hour at the latest.
func layerContext(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(context.WithValue(context.Background(), scopeKey{}, "own"), d, errOfLayer)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// firstOf is own, and ends with around too, if that ends first.
type firstOf struct {
	own, around context.Context
	done        chan struct{}
}

func newFirstOf(own, around context.Context) context.Context {
	c := firstOf{own, around, make(chan struct{})}
	end := sync.OnceFunc(func() { close(c.done) })
	context.AfterFunc(own, end)
	context.AfterFunc(around, end)
	return c
}

func (c firstOf) first() context.Context {
	if c.own.Err() == nil {
		return c.around
	}
	return c.own
}
func (c firstOf) Err() error            { return c.first().Err() }
func (c firstOf) Done() <-chan struct{} { return c.done }

// AfterFunc makes package context start no goroutine.
func (c firstOf) AfterFunc(f func()) (stop func() bool) {
	f = sync.OnceFunc(f)
	stopOwn, stopAround := context.AfterFunc(c.own, f), context.AfterFunc(c.around, f)
	return func() bool {
		own, around := stopOwn(), stopAround()
		return own && around
	}
}

// Value has the values of own, and the cause of the first.
func (c firstOf) Value(key any) any {
	if key == (scopeKey{}) {
		return c.own.Value(key)
	}
	return c.first().Value(key)
}

func (c firstOf) Deadline() (time.Time, bool) {
	d, ok := c.own.Deadline()
	if e, has := c.around.Deadline(); has && (!ok || e.Before(d)) {
		return e, true
	}
	return d, ok
}

func contextLayers() []contextLayer {
	same := func(around context.Context) context.Context { return around }
	return []contextLayer{
		{name: "Timeout 1s", opts: func() []coro.ChildOption { return []coro.ChildOption{coro.Timeout(time.Second)} },
			model: layerWithTimeout(time.Second)},
		{name: "Deadline 2s", opts: func() []coro.ChildOption { return []coro.ChildOption{coro.Deadline(time.Now().Add(2 * time.Second))} },
			model: layerWithTimeout(2 * time.Second)},
		{name: "Timeout 5s", opts: func() []coro.ChildOption { return []coro.ChildOption{coro.Timeout(5 * time.Second)} },
			model: layerWithTimeout(5 * time.Second)},
		{name: "Shield", opts: func() []coro.ChildOption { return []coro.ChildOption{coro.Shield()} },
			model: context.WithoutCancel},
		{name: "Context", opts: func() []coro.ChildOption { return []coro.ChildOption{coro.Context(layerContext(4 * time.Second))} },
			model: func(around context.Context) context.Context { return newFirstOf(layerContext(4*time.Second), around) }},
		{name: "Context that cannot end", opts: func() []coro.ChildOption { return []coro.ChildOption{coro.Context(context.Background())} },
			model: func(around context.Context) context.Context { return newFirstOf(context.Background(), around) }},
		{name: "Group", group: coro.FirstError, model: same},
		{name: "AwaitOn", on: true, model: same},
	}
}

// seenContext is what a task sees of its context before and after its end.
type seenContext struct {
	deadline               time.Duration // from the begin; 0: none
	value                  any
	ended                  time.Duration // from the begin
	err, cause             error
	childErr, childCause   error
	latestErr, latestCause error
	taskErr                error
}

type contextTask struct {
	layers []contextLayer
	other  coro.Executor
	seen   *seenContext
	begun  time.Time

	ctx, child context.Context
}

// The context of a task, in whatever options, groups and executors the task is nested, shows
// what the same nesting of contexts of package context would show.
func TestContextAgainstPackageContext(t *testing.T) {
	var never coro.Event
	leaf := coro.DefineHeld("leaf", func(f *coro.Frame[parent, int], c *contextTask) coro.Step {
		if f.At() == 0 {
			c.ctx = f.Context()
			var cancel context.CancelFunc
			c.child, cancel = context.WithCancel(c.ctx)
			context.AfterFunc(c.child, cancel)
			if d, ok := c.ctx.Deadline(); ok {
				c.seen.deadline = d.Sub(c.begun)
			}
			c.seen.value = c.ctx.Value(scopeKey{})
			return never.Wait(f, 1)
		}
		c.seen.taskErr = f.Err()
		c.seen.err, c.seen.cause = c.ctx.Err(), context.Cause(c.ctx)
		c.seen.childErr, c.seen.childCause = c.child.Err(), context.Cause(c.child)
		latest := f.Context()
		c.seen.latestErr, c.seen.latestCause = latest.Err(), context.Cause(latest)
		c.seen.ended = time.Since(c.begun)
		return f.Return(1)
	})
	var nest *coro.HeldKind[parent, contextTask, int]
	nest = coro.DefineHeld("nest", func(f *coro.Frame[parent, int], c *contextTask) coro.Step {
		if f.At() == 1 {
			return f.Return(1)
		}
		if len(c.layers) == 0 {
			return coro.AwaitCall(f, 1, leaf.With(parent{}, *c), nil)
		}
		l := c.layers[0]
		inner := *c
		inner.layers = c.layers[1:]
		call := nest.With(parent{}, inner)
		switch {
		case l.on:
			return coro.AwaitOn(f, 1, c.other, call, nil)
		case l.group != 0:
			f.State.g.SetPolicy(f, l.group)
			coro.SpawnCall(f, &f.State.g, call, nil)
			return f.State.g.Wait(f, 1)
		default:
			return coro.AwaitCall(f, 1, call, nil, l.opts()...)
		}
	})
	ends := []struct {
		name   string
		launch func() context.Context // makes the context of the launch
		cancel bool                   // the handle cancels after 3 s
	}{
		{"none", context.Background, false},
		{"context with a timeout", func() context.Context { return layerContext(3 * time.Second) }, false},
		{"cancelled context", func() context.Context {
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(3*time.Second, func() { cancel(errOther) })
			return ctx
		}, false},
		{"Handle.Cancel", context.Background, true},
	}
	layers := contextLayers()
	for _, end := range ends {
		for i := range layers {
			for j := -1; j < len(layers); j++ {
				nesting := []contextLayer{layers[i]}
				name := fmt.Sprint(end.name, ", ", layers[i].name)
				if j >= 0 {
					nesting = append(nesting, layers[j])
					name += ", " + layers[j].name
				}
				t.Run(name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { checkContextOfNesting(t, nest, nesting, end.launch, end.cancel) })
				})
			}
		}
	}
}

func checkContextOfNesting(t *testing.T, nest *coro.HeldKind[parent, contextTask, int], nesting []contextLayer, launch func() context.Context, cancel bool) {
	ex, other := executor.NewInline(), executor.NewInline()
	begun := time.Now()
	model := launch()
	if cancel {
		var end context.CancelCauseFunc
		model, end = context.WithCancelCause(model)
		time.AfterFunc(3*time.Second, func() { end(errLeaf) })
	}
	for _, l := range nesting {
		model = l.model(model)
	}
	var seen seenContext
	h, err := coro.Start(ex, nest.With(parent{}, contextTask{layers: nesting, other: other, seen: &seen, begun: begun}), coro.Context(launch()))
	require.NoError(t, err)
	if cancel {
		time.AfterFunc(3*time.Second, func() { h.Cancel(errLeaf) })
	}

	var want seenContext
	if d, ok := model.Deadline(); ok {
		want.deadline = d.Sub(begun)
	}
	want.value = model.Value(scopeKey{})
	for range 12 { // half a second at a time, and a bit after the ends
		if time.Sleep(500*time.Millisecond + 1); model.Err() != nil {
			break
		}
	}
	time.Sleep(10 * time.Millisecond)
	synctest.Wait()
	if model.Err() == nil {
		require.Zero(t, seen.ended, "nothing ends it")
		require.NoError(t, errors.Join(ex.Close(), other.Close()))
		return
	}
	require.NotZero(t, seen.ended, "it has ended")
	require.InDelta(t, want.deadline, seen.deadline, float64(time.Millisecond))
	want.ended, want.deadline = seen.ended, seen.deadline
	want.err, want.cause = model.Err(), context.Cause(model)
	want.childErr, want.childCause = want.err, want.cause
	want.latestErr, want.latestCause = want.err, want.cause
	want.taskErr = want.cause
	require.Equal(t, want, seen)
	require.NoError(t, errors.Join(ex.Close(), other.Close()))
}
