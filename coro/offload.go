package coro

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/internal/helpers"
)

// offloadHelpers do the offloads of all executors.
var offloadHelpers = helpers.NewPool(256, 10*time.Second)

// An offload is something that a goroutine does for a task while the task waits: it calls a
// function, or receives from or sends to a Go channel. For the end of a context, no goroutine
// is kept: the context's AfterFunc takes its part.
//
// The task is a child of the task that asked for the offload. So the child's held part has the
// request, the child's error is the offload's, and the result goes where that of any child
// may go.
//
// The goroutine never touches a frame or a held part. It works on an offload, on the Go heap,
// and the child reads that when it continues. An offload has two owners, the child and the
// goroutine, each of which calls drop once. owners is 2 at first, each drop takes 1 off
// atomically, and the drop that gets 0 is the last use: it clears the offload and puts it
// back into the pool.
//
// What the goroutine writes (value, done, closed, err, panic) it writes before it sets
// finished under the lock. The child reads it only after it has seen finished under the
// lock, or was woken by finish, or has received finish's answer: each comes after the writes.
//
// A child may continue before the offload has finished, because its context has ended. What
// happens then depends on the request:
//
//   - A function is not interrupted. The child fails, and its held part keeps the offload
//     until release calls abandon, which drops it. Later the goroutine drops it too, and so
//     the function's result is lost.
//   - A wait on a Go channel is stopped (settle). It has received or sent, or it has not,
//     and the child must know which, or a value would be lost or sent twice. So the child's
//     worker asks, by stop, and waits for the answer. That comes at once: the goroutine
//     either is in a select with stop, or has left it and only has to call finish. stopping is
//     set under the lock, and only if finished is not: so finish either came first, and
//     settle does not ask, or it finds stopping and answers, once. Both channels have room
//     for one value, so no send waits.
//   - For a context, the child looks whether that has ended too.
//
// A child that is gone without continuing, because its executor was closed, leaves the
// offload to its goroutine: release calls abandon. For a channel, abandon sends to stop and
// does not wait for an answer. The value that may stay in stop is removed by the last drop.
//
// TestTheContextEndsDuringAnErrand, TestBlockingIsAbandoned and TestCloseDuringAnErrand try these
// ways.

// offloadHeld is the held part of the child.
type offloadHeld[T any] struct {
	offloadRequest[T]
	offload *offload[T] // nil before the offload begins, and after the child has seen its end
}

// offloadRequest is what is to be done: one of these, which one depends on the kind.
type offloadRequest[T any] struct {
	fn    func() (T, error)
	from  <-chan T
	to    chan<- T
	value T // is sent to to, or is the result
	ctx   context.Context
}

// offload belongs to its two owners; see the head of this file.
type offload[T any] struct {
	completion
	offloadRequest[T]
	kind *offloadKind[T]

	// owners is how many of child and goroutine have not called drop. begin sets it before
	// the goroutine starts; each owner then takes 1 off, once. The additions have one
	// order, so one of them gets 0.
	owners atomic.Int32

	// The outcome. The goroutine writes it before it sets finished; the child reads it
	// after that.
	done   bool // the request was done; false: it was stopped before
	closed bool // from is closed
	err    error
	panic  *PanicError // without a backtrace; the child takes it

	// env is the environment of the child's executor, whose handler gets a panic that the child
	// does not take, since it has ended before. begin sets it.
	env *Environment

	stop   chan struct{} // gets a value when the goroutine shall not wait for the Go channel any more; has room for one
	answer chan struct{} // gets a value from finish, if stopping; has room for one
	unhook func() bool   // of the context's AfterFunc
}

// completion is where the child waits for the end of its offload. Any goroutine may use it,
// under its lock.
type completion struct {
	oneWaiter
	finished bool // guarded by lock
	stopping bool // the child, with its worker, waits for an answer; guarded by lock
}

func (m *completion) park(_ *Worker, h *header) parking {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if m.finished {
		return parkDone
	}
	return m.wait(m, h)
}

func (m *completion) visit(v *visitor) bool { return m.visitAs("", v) }

// finish ends the goroutine's use of e, whose outcome it has written. It is called once.
func (e *offload[T]) finish() {
	var woken wakeList
	e.lock.mu.Lock()
	e.finished = true
	if e.task != nil {
		wake(e.task, flagWoken, &woken)
		e.task = nil
	}
	if e.stopping { // the child's worker waits in settle
		e.answer <- struct{}{} // there is room, so this does not wait with the lock held
	}
	e.lock.mu.Unlock()
	e.drop() // before post: the task may want another offload
	post(&woken)
}

// drop ends the use of e by one of its owners, which does not touch e after it.
func (e *offload[T]) drop() {
	if e.owners.Add(-1) > 0 {
		return
	}
	select { // a request to stop that came too late
	case <-e.stop:
	default:
	}
	// e has no owner, but a closer that has it from the waitables may lock it still.
	e.lock.mu.Lock()
	e.finished, e.stopping = false, false
	e.lock.mu.Unlock()
	e.offloadRequest = offloadRequest[T]{}
	panicked, env, k := e.panic, e.env, &e.kind.kind
	e.done, e.closed, e.err, e.panic, e.unhook, e.env = false, false, nil, nil, nil, nil
	e.kind.offloads.Put(e)
	if panicked != nil {
		env.runtime.rootFailed(env.handler, k, panicked)
	}
}

// Do is what the helper's goroutine does. If the function ends the goroutine, another one calls
// finish.
func (e *offload[T]) Do() {
	returned := false
	defer func() {
		if !returned { // fn has ended the goroutine
			go e.finish()
		}
	}()
	switch {
	case e.fn != nil:
		e.call()
	case e.to != nil:
		e.sendTo()
	default:
		select {
		case v, ok := <-e.from:
			e.value, e.closed = v, !ok
			e.done = true
		case <-e.stop:
		}
	}
	returned = true
	e.finish()
}

// call calls the function. If that ends the goroutine, call does not return, even if it
// recovers a panic on the way.
func (e *offload[T]) call() {
	exits := true
	defer func() {
		if v := recover(); v != nil {
			e.panic = &PanicError{Value: v, Stack: debug.Stack()}
		} else if exits {
			e.panic = &PanicError{Value: ErrGoexit, Stack: debug.Stack()}
		}
	}()
	e.done = true
	e.value, e.err = e.fn()
	exits = false
}

// sendTo sends the value, unless it is stopped. A send to a closed Go channel panics; that is the
// child's failure.
func (e *offload[T]) sendTo() {
	defer func() {
		if v := recover(); v != nil { // the Go channel was closed
			e.panic = &PanicError{Value: v, Stack: debug.Stack()}
			e.done = true
		}
	}()
	select {
	case e.to <- e.value:
		e.done = true
	case <-e.stop:
	}
}

// settle is called by a child that was woken because its context has ended. It reports
// whether the offload has ended, so that the child may read its outcome. See the head of this
// file.
func (e *offload[T]) settle() bool {
	if e.fn == nil && e.ctx == nil {
		e.lock.mu.Lock()
		e.stopping = !e.finished
		stopping := e.stopping
		e.lock.mu.Unlock() // finish needs it to answer
		if stopping {
			e.stop <- struct{}{}
			<-e.answer
		}
		return true
	}
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	return e.finished
}

// abandon is the drop of a child that ends without having seen the end of e.
func (e *offload[T]) abandon() {
	switch {
	case e.fn != nil:
	case e.ctx != nil:
		if e.unhook() {
			e.drop() // finish, which would drop, is not called any more
		}
	default:
		e.stop <- struct{}{}
	}
	e.drop()
}

// offloadKind is the kind of the child.
type offloadKind[T any] struct {
	*HeldKind[struct{}, offloadHeld[T], T]
	offloads sync.Pool // of *offload[T]
}

// release releases the held part. It is also where an offload is abandoned whose child ends
// before it: the child has failed, or its executor was closed.
func (k *offloadKind[T]) release(w *Worker, h *header) {
	held := (*offloadHeld[T])(k.parts.value(h))
	if e := held.offload; e != nil {
		held.offload = nil
		e.abandon()
	}
	k.parts.clear(w, h)
}

// offloadKinds are the kinds of the children for one sort of offload, by the type of the
// result.
type offloadKinds struct {
	name   string
	byType kindsByResult
}

func offloadKindOf[T any](all *offloadKinds) *offloadKind[T] {
	return kindByResult[T](&all.byType, func() *offloadKind[T] {
		k := new(offloadKind[T])
		k.offloads.New = func() any {
			return &offload[T]{kind: k, stop: make(chan struct{}, 1), answer: make(chan struct{}, 1)}
		}
		k.HeldKind = DefineHeld(all.name, k.run)
		k.parts.releaseMore = k.release
		return k
	})
}

// run is the child's step function.
func (k *offloadKind[T]) run(f *Frame[struct{}, T], held *offloadHeld[T]) Step {
	if f.At() == 0 {
		return k.begin(f, held)
	}
	e, err := held.offload, f.Err()
	if err != nil && !e.settle() {
		if e.ctx != nil && e.ctx.Err() != nil { // both have ended
			return f.Return(held.value)
		}
		return f.Fail(err)
	}
	held.offload = nil
	if e.done {
		err = e.err
		if e.closed {
			err = ErrChanClosed
		}
		if e.panic != nil {
			e.panic.Backtrace = f.header.backtrace()
			err = e.panic
			e.panic = nil
		}
	}
	v := e.value
	e.drop()
	if err != nil {
		return f.Fail(err)
	}
	return f.Return(v)
}

// begin does the request at once if that needs no waiting. Otherwise it begins an offload and
// waits for it.
func (k *offloadKind[T]) begin(f *Frame[struct{}, T], held *offloadHeld[T]) Step {
	switch {
	case held.from != nil:
		select {
		case v, ok := <-held.from:
			if !ok {
				return f.Fail(ErrChanClosed)
			}
			return f.Return(v)
		default:
		}
	case held.to != nil:
		select {
		case held.to <- held.value:
			return f.Return(held.value)
		default:
		}
	case held.ctx != nil:
		if held.ctx.Err() != nil {
			return f.Return(held.value)
		}
	}
	if err := f.header.env.cause(); err != nil {
		return f.Fail(err)
	}
	e := k.offloads.Get().(*offload[T])
	e.offloadRequest = held.offloadRequest
	e.owners.Store(2)
	e.env = f.header.env.get().executor.Environment()
	held.offload = e
	if e.ctx != nil {
		e.unhook = context.AfterFunc(e.ctx, func() {
			e.done = true
			e.finish()
		})
	} else {
		offloadHelpers.Run(e)
	}
	return f.header.waitFor(1, &e.completion)
}
