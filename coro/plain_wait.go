package coro

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// A task function that runs on a goroutine waits by way of a small task, which does the one
// operation, by the same Enter as in compiled functions. So tasks and goroutines wait in one queue,
// in the order in which they came, and the end of a context or of the executor finds both.
//
// The small task is a root on the function's executor. It counts as part of the function's tree: a
// Drain does not refuse it.

// plainWaitHeld is the held part of the small task.
type plainWaitHeld[E any] struct {
	op       Waiting
	amount   int64
	argument any
	value    E // what the operation has given

	outcome *plainOutcome[E] // where the outcome goes as well, if it is not nil
}

// plainOutcome is what the operation has ended with. The small task returns it, so that its own error
// says only that it could not do the operation.
type plainOutcome[E any] struct {
	value E
	err   error
}

type plainWaitKind[E any] struct {
	*HeldKind[struct{}, plainWaitHeld[E], plainOutcome[E]]
}

var plainWaitKinds kindsByResult

func definePlainWaitKind[E any]() *plainWaitKind[E] {
	return &plainWaitKind[E]{DefineHeld("coro.OnGoroutine", func(f *Frame[struct{}, plainOutcome[E]], held *plainWaitHeld[E]) Step {
		if f.At() == 0 {
			s := f.header.resumed()
			s.Amount, s.Argument, s.result = held.amount, held.argument, uintptr(unsafe.Pointer(&held.value))
			return held.op.Enter(s, f, 1)
		}
		outcome := plainOutcome[E]{held.value, ChildErr(f)} // a panic is one of the function
		if held.outcome != nil {
			*held.outcome = outcome
		}
		return f.Return(outcome)
	})}
}

// WaitOnGoroutine does op, with the arguments in s, for a function that runs on a goroutine, and
// returns what it gives. If the executor is closed, it ends the goroutine. s is not a worker's.
func WaitOnGoroutine[E any](s *Suspension, op Waiting) (E, error) {
	k := kindByResult[E](&plainWaitKinds, definePlainWaitKind[E])
	held := plainWaitHeld[E]{op: op, amount: s.Amount, argument: s.Argument}
	s.Argument = nil
	var outcome plainOutcome[E]
	var err error
	if s.Executor == nil {
		outcome, err = waitInLoop(s.Context, &held)
	} else {
		o := options{ctx: s.Context}
		call := k.With(struct{}{}, held)
		call.claim()
		outcome, err = call.c.run(s.Executor, &o, s.Executor.Environment().runtime)
	}
	if err == nil {
		return outcome.value, outcome.err
	}
	var zero E
	if errors.Is(err, arena.ErrExhausted) {
		return zero, err
	}
	if p, ok := err.(*PanicError); ok {
		if p.Value == ErrGoexit {
			runtime.Goexit()
		}
		panic(p.Value) // of op: a mistake of the function
	}
	runtime.Goexit() // see GoexitError
	return zero, nil
}

// loopWaitKind is the kind of generators that do one operation and yield nothing, for functions
// without an executor: the loop over such a generator blocks its goroutine meanwhile.
type loopWaitKind[E any] struct {
	*SeqKind[loopWait[E], struct{}]
}

// loopWait is the state: the operation, which the goroutine of the loop keeps alive.
type loopWait[E any] struct{ held link[plainWaitHeld[E]] }

var loopWaitKinds kindsByResult

func defineLoopWaitKind[E any]() *loopWaitKind[E] {
	return &loopWaitKind[E]{DefineSeq("coro.OnGoroutine", func(f *SeqFrame[loopWait[E], struct{}]) Step {
		if f.At() == 0 {
			k := kindByResult[E](&plainWaitKinds, definePlainWaitKind[E])
			return AwaitHeld(&f.Frame, 1, k.HeldKind, struct{}{}, *f.State.held.get(), nil)
		}
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		return f.Return()
	})}
}

// waitInLoop does the operation of held on the calling goroutine.
func waitInLoop[E any](ctx context.Context, held *plainWaitHeld[E]) (outcome plainOutcome[E], err error) {
	held.outcome = &outcome
	var state loopWait[E]
	state.held.set(held)
	k := kindByResult[E](&loopWaitKinds, defineLoopWaitKind[E])
	for _, failed := range k.Seq2(state, Context(ctx)) {
		err = failed
	}
	runtime.KeepAlive(held)
	return outcome, err
}

// EndIfClosed ends the goroutine of a function, as [WaitOnGoroutine] does, if its executor is closed.
func (s *Suspension) EndIfClosed() {
	if s.executorErr() != nil {
		runtime.Goexit()
	}
}

// GoexitError returns the error of a function whose goroutine is ended by runtime.Goexit: that of its
// executor, if that is closed, since then its waits end it.
func (s *Suspension) GoexitError() error {
	if err := s.executorErr(); err != nil {
		return err
	}
	return &PanicError{Value: ErrGoexit, Stack: debug.Stack()}
}

// executorErr returns the error of the function's executor, if that is closed.
func (s *Suspension) executorErr() error {
	if s.Executor == nil {
		return nil
	}
	return s.Executor.Environment().runtime.launching.Admits(true)
}
