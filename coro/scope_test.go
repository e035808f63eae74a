package coro_test

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

type scopeKey struct{}

// The context of a scope has the values of what is around, and ends with the scope or
// with what is around, unless it is shielded or has a context of its own.
func TestContextsOfScopes(t *testing.T) {
	noLeftParts(t)
	cause, other := errors.New("the end"), errors.New("the end of another")
	for _, c := range []struct {
		name       string
		opts       func(own context.Context) []coro.ChildOption
		ends, own  error // after that around, or its own, has ended
		ownedValue any
	}{
		{"none", func(context.Context) []coro.ChildOption { return nil }, cause, nil, 1},
		{"Shield", func(context.Context) []coro.ChildOption { return []coro.ChildOption{coro.Shield()} }, nil, nil, 1},
		{"Context", func(own context.Context) []coro.ChildOption { return []coro.ChildOption{coro.Context(own)} }, cause, other, nil},
		{"Shield and Context", func(own context.Context) []coro.ChildOption {
			return []coro.ChildOption{coro.Shield(), coro.Context(own)}
		}, nil, other, nil},
	} {
		for _, nested := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				before := runtime.NumGoroutine()
				ex := newInline(t)
				var kept []context.Context
				for _, endOwn := range []bool{false, true} {
					ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), scopeKey{}, 1))
					own, cancelOwn := context.WithCancelCause(context.Background())
					child := coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
						x := f.Context()
						require.Equal(t, c.ownedValue, x.Value(scopeKey{}))
						require.NoError(t, x.Err())
						kept = append(kept, x)
						var want error
						if endOwn {
							cancelOwn(other)
							want = c.own
						} else {
							cancel(cause)
							want = c.ends
						}
						if want != nil {
							<-x.Done()
						}
						require.Equal(t, want, context.Cause(x))
						return f.Return(1)
					})
					task := coro.Define("task", func(f *coro.Frame[parent, int]) coro.Step {
						s := &f.State
						if f.At() == 0 {
							if nested {
								s.g.SetPolicy(f, coro.FirstError)
								coro.SpawnCall(f, &s.g, child.With(1), nil, c.opts(own)...)
								return s.g.Wait(f, 1)
							}
							return coro.AwaitCall(f, 1, child.With(1), nil, c.opts(own)...)
						}
						if f.Err() != nil {
							return f.Fail(f.Err())
						}
						return f.Return(1)
					})
					_, err := coro.Run(ctx, ex, task.With(parent{}))
					require.NoError(t, err)
					cancel(nil)
					cancelOwn(nil)
				}
				for _, x := range kept {
					require.Error(t, x.Err(), "it ends with its scope")
				}
				for runtime.NumGoroutine() > before {
					runtime.Gosched()
				}
			})
		}
	}
}

// Scopes in scopes are cancelled from the outside, from the inside, and by both at once.
func TestCancelNestedScopes(t *testing.T) {
	groupExecutors(t, func(t *testing.T, ex closer) {
		var never coro.Event
		var shields coro.Event
		leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
			switch {
			case f.At() == 0 && f.State == 0:
				return coro.Yield(f, 2)
			case f.At() == 0 && f.State == 1:
				return shields.Wait(f, 1)
			case f.At() == 0:
				return never.Wait(f, 1)
			case f.At() == 2:
				return f.Fail(errLeaf)
			case f.Err() != nil:
				return f.Fail(f.Err())
			}
			return f.Return(1)
		})
		nest := coro.Define("nest", func(f *coro.Frame[parent, int]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				return f.Return(1)
			}
			s.g.SetPolicy(f, coro.FirstError)
			if s.n > 0 {
				coro.Spawn(f, &s.g, f.Kind(), parent{n: s.n - 1}, nil)
				coro.Spawn(f, &s.g, leaf, 2, nil)
				coro.SpawnCall(f, &s.g, leaf.With(1), nil, coro.Shield())
			} else {
				coro.Spawn(f, &s.g, leaf, 0, nil)
				coro.Spawn(f, &s.g, leaf, 2, nil)
			}
			return s.g.Wait(f, 1)
		})
		for i := range 30 {
			shields.Reset()
			ctx, cancel := context.WithCancelCause(context.Background())
			done := make(chan error, 1)
			go func() {
				_, err := coro.Run(ctx, ex, nest.With(parent{n: 10}))
				done <- err
			}()
			if i%3 > 0 {
				for range i {
					runtime.Gosched()
				}
				cancel(errOther)
			}
			shields.Set()
			err := <-done
			require.True(t, errors.Is(err, errLeaf) || i%3 > 0 && errors.Is(err, errOther), err)
			cancel(nil)
		}
	})
}
