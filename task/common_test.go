package task_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
	"github.com/framearena/framearena/task/generated"
)

// script is what a task function of these tests does: one call of package task after the other, each
// with the result R. done gets what a call has returned, and ends the function by an error.
type script[R any] struct {
	calls []func(*task.T) (R, error)
	done  func(i int, r R, err error) error
	after func() // is deferred
}

// play is the function that plays scripts, in plain Go.
func play[R any](t *task.T, s *script[R]) (n int, err error) {
	if s.after != nil {
		defer s.after()
	}
	for i, call := range s.calls {
		r, err := call(t)
		if err := s.done(i, r, err); err != nil {
			return i, err
		}
	}
	return len(s.calls), nil
}

// What framearena gen makes of it, for two types of results.

type playHeld[R any] struct {
	s      *script[R]
	result R
	ended  bool
}

func bindPlay[R any](name string, plain func(*task.T, *script[R]) (int, error)) {
	kind := generated.DefineHeld(name, "common_test.go", 28, 8, generated.Result[int](), func(f *generated.Frame, h *playHeld[R]) generated.Step {
		return stepPlay(f, h)
	}, generated.Deferring())
	generated.Bind(plain, func(t *task.T, s *script[R]) (n int, err error) {
		defer func() {
			if !generated.Suspended(t) && s.after != nil {
				s.after()
			}
		}()
		for i, call := range s.calls {
			r, err := call(t)
			if generated.Suspended(t) {
				f, h := generated.SpillHeld[playHeld[R]](t, kind, 1)
				*generated.At[int](f) = i
				*h = playHeld[R]{s: s}
				generated.ResultTo(t, &h.result)
				return 0, nil
			}
			if err := s.done(i, r, err); err != nil {
				return i, err
			}
		}
		return len(s.calls), nil
	}, func(s *script[R]) coro.Call[int] {
		c := generated.NewCall[int](kind)
		*generated.CallState[int](c) = 0
		*generated.CallHeld[playHeld[R]](c) = playHeld[R]{s: s}
		return c
	})
}

func stepPlay[R any](f *generated.Frame, h *playHeld[R]) (step generated.Step) {
	t := generated.Resume(f)
	suspended := false
	defer func() {
		if !suspended && h.s.after != nil && !h.ended {
			h.ended = true
			h.s.after()
		}
	}()
	i := *generated.At[int](f)
	switch f.At() {
	case 0:
	case 1:
		r := h.result
		var zero R
		h.result = zero
		if err := h.s.done(i, r, generated.Err(f)); err != nil {
			return generated.Return(f, i, err)
		}
		i++
	default:
		return f.BadResume()
	}
	for ; i < len(h.s.calls); i++ {
		r, err := h.s.calls[i](t)
		if generated.Suspended(t) {
			suspended = true
			*generated.At[int](f) = i
			generated.ResultToStep(t, &h.result)
			return generated.Wait(f, t, 1)
		}
		if err := h.s.done(i, r, err); err != nil {
			return generated.Return(f, i, err)
		}
	}
	return generated.Return(f, len(h.s.calls), nil)
}

func playInts(t *task.T, s *script[int]) (int, error)       { return play(t, s) }
func playStrings(t *task.T, s *script[string]) (int, error) { return play(t, s) }
func playNone(t *task.T, s *script[task.None]) (int, error) { return play(t, s) }

func init() {
	bindPlay("playInts", playInts)
	bindPlay("playStrings", playStrings)
	bindPlay("playNone", playNone)
}

// errors returns a script of calls that return errors alone. It ends with the first error.
func errorsOf(calls ...func(*task.T) error) *script[task.None] {
	s := &script[task.None]{done: func(_ int, _ task.None, err error) error { return err }}
	for _, call := range calls {
		s.calls = append(s.calls, func(t *task.T) (task.None, error) { return task.None{}, call(t) })
	}
	return s
}

// collect returns a script that appends what the calls return to *to. It ends with the first error.
func collect[R any](to *[]R, calls ...func(*task.T) (R, error)) *script[R] {
	return &script[R]{calls: calls, done: func(_ int, r R, err error) error {
		if err == nil {
			*to = append(*to, r)
		}
		return err
	}}
}

// repeat returns n times the call.
func repeat[F any](n int, call F) []F {
	calls := make([]F, n)
	for i := range calls {
		calls[i] = call
	}
	return calls
}

// modes are the ways to run a task function.
var modes = map[string][]task.Option{
	"in a task":      nil,
	"on a goroutine": {task.OnGoroutine()},
}

// inModes runs a test in each mode.
func inModes(t *testing.T, test func(t *testing.T, opts ...task.Option)) {
	for name, opts := range modes {
		t.Run(name, func(t *testing.T) { test(t, opts...) })
	}
}

// executors make the executors that the tests run on.
var executors = map[string]func() closer{
	"Inline": func() closer { return executor.NewInline() },
	"Pool":   func() closer { return executor.NewPool() },
	"Strand": func() closer {
		pool := executor.NewPool()
		return strand{executor.NewStrand(pool), pool}
	},
	"Loop": func() closer {
		loop := executor.NewLoop()
		go drive(loop)
		return loop
	},
}

// drive drives loop until that is closed. A task that calls runtime.Goexit ends the goroutine: then
// another one drives.
func drive(loop *executor.Loop) {
	returned := false
	defer func() {
		if !returned {
			go drive(loop)
		}
	}()
	_ = loop.Run(context.Background())
	returned = true
}

// strand is a Strand and the pool that it is on.
type strand struct {
	*executor.Strand
	pool *executor.Pool
}

func (s strand) Drain(ctx context.Context) error { return s.pool.Drain(ctx) }
func (s strand) Close() error                    { return s.pool.Close() }

type closer interface {
	coro.Executor
	Drain(context.Context) error
	Close() error
}

// everywhere runs a test in each mode on each executor.
func everywhere(t *testing.T, test func(t *testing.T, ex closer, opts ...task.Option)) {
	for name, make := range executors {
		t.Run(name, func(t *testing.T) {
			inModes(t, func(t *testing.T, opts ...task.Option) {
				ex := make()
				defer func() { require.NoError(t, ex.Close()) }()
				test(t, ex, opts...)
			})
		})
	}
}

// untilWaiting returns when so many functions that were launched on ex wait.
func untilWaiting(ex coro.Executor, opts []task.Option, functions int) {
	want := functions
	if len(opts) > 0 {
		want *= 2 // the tasks that stand for the functions wait, too
	}
	for n := 0; n < want; runtime.Gosched() {
		n = 0
		for range ex.Environment().Waiting() {
			n++
		}
	}
}
