package coro

// Task functions that are not compiled.
//
// Such a function is an ordinary Go function, and runs on a goroutine of its own. In its tree, a task
// of the function's own kind stands for it: that is launched, awaited, cancelled and shown like
// others, has a frame, and waits until the function has ended. So a program in which some functions
// are compiled and others are not has one sort of tree.
//
// # Its end
//
// The task ends after the function, as a parent ends after its children: the end of a context only
// makes the function's own waits return its cause. The goroutine never touches the frame. It works
// on a plainRun, on the Go heap, and the task reads that when it continues.
//
// If the executor is closed, the task ends at once, like all that wait. The function's goroutine ends
// by runtime.Goexit in the wait that it is in, or in its next one (plain_wait.go), so its deferred
// calls run. CancelWaiting, and so the executor's Close, waits for that, as it waits for steps that
// run: see plainGoroutines.

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/internal/goroutine"
)

// PlainKind is the kind of the tasks that stand for one task function that is not compiled. It is
// made by [DefinePlain], once for each function, for package task. Any goroutine may use it.
type PlainKind[R any] struct {
	*HeldKind[struct{}, plainHeld[R], R]
	started, live atomic.Int64
}

// plainHeld is the held part of such a task.
type plainHeld[R any] struct {
	fn  func(*Suspension) (R, error)
	run *plainRun[R] // nil before the function begins, and after the task has seen its end
}

// DefinePlain makes the kind of the function of the given name, which stands in file at line.
func DefinePlain[R any](name, file string, line int) *PlainKind[R] {
	k := new(PlainKind[R])
	k.HeldKind = DefineHeld(name, k.step, DefinedAt(file, line))
	k.parts.releaseMore = k.release
	return k
}

// Call returns a call of fn, which is the function with its arguments. fn gets the Suspension that
// its waits use.
func (k *PlainKind[R]) Call(fn func(*Suspension) (R, error)) Call[R] {
	return k.With(struct{}{}, plainHeld[R]{fn: fn})
}

// Counts returns how often the function was started, and how many of these calls have not ended.
func (k *PlainKind[R]) Counts() (started, live int64) {
	live = k.live.Load() // first, so that it is not more than started
	return k.started.Load(), live
}

// step is the step function of the task that stands for a function.
func (k *PlainKind[R]) step(f *Frame[struct{}, R], held *plainHeld[R]) Step {
	if f.At() == 0 {
		if f.header.env.compiledOnly() {
			return f.Fail(&NotCompiledError{k.Info()})
		}
		env := f.header.env.get()
		r := &plainRun[R]{fn: held.fn, kind: k, env: env.executor.Environment()}
		r.suspension.Context, r.suspension.Executor = f.Context(), env.executor
		held.fn, held.run = nil, r
		k.started.Add(1)
		k.live.Add(1)
		r.env.runtime.plain.begin()
		go r.do()
		return f.header.waitFor(1, &r.plainEnd)
	}
	r := held.run
	held.run = nil
	if p := r.panic; p != nil {
		p.Backtrace = f.header.backtrace()
		f.header.worker.get().passing = p // it is raised again in the function that called this one
		return f.Fail(p)
	}
	return ReturnBoth(f, r.result, r.err)
}

// release releases the held part. If the function has not ended, the executor is being closed.
func (k *PlainKind[R]) release(w *Worker, h *header) {
	held := (*plainHeld[R])(k.parts.value(h))
	if r := held.run; r != nil {
		held.run = nil
		r.abandon()
	}
	k.parts.clear(w, h)
}

// plainRun is one run of a function. The goroutine writes the outcome before it sets finished under
// the lock. The task reads it after that.
type plainRun[R any] struct {
	plainEnd
	kind *PlainKind[R]
	env  *Environment // of the executor, without options
	fn   func(*Suspension) (R, error)

	suspension Suspension

	result R
	err    error
	panic  *PanicError // without a backtrace; the task takes it
}

// plainEnd is where the task waits for the end of its function.
type plainEnd struct {
	oneWaiter
	finished  bool // guarded by lock
	abandoned bool // the task has ended before the function; guarded by lock
}

// park makes the task wait as if it were in no scope: only the closer of its executor finds it.
func (e *plainEnd) park(_ *Worker, h *header) parking {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	if e.finished {
		return parkDone
	}
	p := e.lock.admitIn(nil, e, h)
	if p == parked {
		e.task = h
	}
	return p
}

func (e *plainEnd) visit(v *visitor) bool { return e.visitAs("its goroutine", v) }

// do is what the goroutine does. If the function ends the goroutine, another one calls finish, which
// may run tasks.
func (r *plainRun[R]) do() {
	r.env.runtime.plain.enter()
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			r.err = r.suspension.Recovered(v)
		} else {
			r.err = r.suspension.GoexitError()
		}
		r.panic, _ = r.err.(*PanicError)
		number := goroutine.ID()
		go r.finish(number)
	}()
	r.result, r.err = r.fn(&r.suspension)
	returned = true
	r.finish(goroutine.ID())
}

// finish ends the run, on the goroutine of the given number or for it. The executor is not closed
// before it has returned.
func (r *plainRun[R]) finish(number uint64) {
	defer r.env.runtime.plain.leave(number)
	r.kind.live.Add(-1)
	var woken wakeList
	r.lock.mu.Lock()
	r.finished = true
	if r.task != nil {
		wake(r.task, flagWoken, &woken)
		r.task = nil
	}
	abandoned := r.abandoned
	r.lock.mu.Unlock()
	if abandoned {
		r.reportPanic()
	}
	post(&woken)
}

// abandon is called when the task ends without having seen the end of the function.
func (r *plainRun[R]) abandon() {
	r.lock.mu.Lock()
	r.abandoned = true
	finished := r.finished
	r.lock.mu.Unlock()
	if finished {
		r.reportPanic()
	}
}

// reportPanic gives a panic that the task does not take to the executor's handler.
func (r *plainRun[R]) reportPanic() {
	if r.panic != nil {
		r.env.runtime.rootFailed(r.env.handler, &r.kind.kind, r.panic)
	}
}

// plainGoroutines are the goroutines of an executor's task functions that are not compiled, so that
// the closer can wait for them. Any goroutine may use it.
type plainGoroutines struct {
	mu      sync.Mutex
	n       int             // have begun and not ended; guarded by mu
	numbers map[uint64]bool // of those that run; guarded by mu
	ended   *sync.Cond      // n has become 0; nil until somebody waits; guarded by mu
}

// begin is called in the step that starts a goroutine. So it is not called when the closer waits.
func (p *plainGoroutines) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
}

// enter is called by the goroutine.
func (p *plainGoroutines) enter() {
	number := goroutine.ID()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.numbers == nil {
		p.numbers = make(map[uint64]bool)
	}
	p.numbers[number] = true
}

func (p *plainGoroutines) leave(number uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.numbers, number)
	if p.n--; p.n == 0 && p.ended != nil {
		p.ended.Broadcast()
	}
}

// isOne reports whether the caller runs on one of the goroutines, or on one for which that waits.
func (p *plainGoroutines) isOne() bool {
	p.mu.Lock()
	none := len(p.numbers) == 0
	p.mu.Unlock()
	return !none && goroutine.Ask(func() bool {
		number := goroutine.ID()
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.numbers[number]
	})
}

// wait waits until all goroutines have ended, unless it is called on one of them.
func (p *plainGoroutines) wait() {
	if p.isOne() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.n > 0 {
		if p.ended == nil {
			p.ended = sync.NewCond(&p.mu)
		}
		p.ended.Wait()
	}
}

// InTaskFunction reports whether the calling goroutine runs a task function of the executor that is
// not compiled. What must not be called in a step of the executor must not be called there.
func (e *Environment) InTaskFunction() bool { return e.runtime.plain.isOne() }

// ErrNotCompiled is what a [*NotCompiledError] wraps.
var ErrNotCompiled = errors.New("not compiled")

// NotCompiledError is the error of a task function that is not compiled, in a tree that was launched
// with [CompiledOnly].
type NotCompiledError struct{ Function KindInfo }

// Unwrap returns [ErrNotCompiled].
func (e *NotCompiledError) Unwrap() error { return ErrNotCompiled }

func (e *NotCompiledError) Error() string {
	return e.Function.String() + " is not compiled, and the launch demands it: run framearena gen on its package"
}

// CompiledOnly makes task functions that are not compiled fail in the launched tree, with a
// [*NotCompiledError]. They do not begin.
func CompiledOnly() TreeOption { return compiledOnlyOption{} }

type compiledOnlyOption struct{}

func (compiledOnlyOption) launchOption() {}
func (compiledOnlyOption) startOption()  {}
func (compiledOnlyOption) seqOption()    {}

// compiledOnly reports whether the tree was launched with CompiledOnly.
func (e *envRef) compiledOnly() bool { return e.get().onlyCompiled }
