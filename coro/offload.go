package coro

import (
	"context"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/helpers"
)

// offloadHelpers do the offloads of all executors.
var offloadHelpers = helpers.NewPool(256, 10*time.Second)

// An offload is something that a goroutine does for a task while that waits: it
// calls a function, or receives from or sends to a Go channel. The task is a child
// of the one that wants it done. So what the offload is about lies in a held part,
// its error is the child's, and its result goes where that of any child may go.
//
// The goroutine never touches a frame, nor a held part: it works on an offload,
// which is on the Go heap, and which the child looks at when it goes on. A child
// that is gone leaves the offload to its goroutine.

// errandHeld is the held part of the child.
type offloadHeld[T any] struct {
	offloadRequest[T]
	offload *offload[T] // nil unless it has begun, and the child has not seen its end
}

// what is to be done: just one of these, by the kind.
type offloadRequest[T any] struct {
	fn    func() (T, error)
	from  <-chan T
	to    chan<- T
	value T // is sent to to, or the result
	ctx   context.Context
}

// offload belongs to a task and a goroutine.
type offload[T any] struct {
	completion
	offloadRequest[T]
	kind *offloadKind[T]

	// owners is who still uses the offload: the task, the goroutine.
	owners atomic.Int32

	// How it went; written before finished is set, and read after.
	done   bool // or it was stopped before
	closed bool // from is
	err    error
	panic  *PanicError // without a backtrace

	stop   chan struct{} // the goroutine shall not wait for the Go channel any more
	answer chan struct{} // it does not; sent if stopping
	unhook func() bool   // of the context's AfterFunc
}

// meeting is where the task waits for the end of its offload.
type completion struct {
	lock     lock
	finished bool // guarded by lock, as the rest
	stopping bool // the task waits, with its worker, for an answer
	task     *header
}

func (m *completion) park(_ *Worker, h *header) parking {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if m.finished {
		return parkDone
	}
	p := m.lock.admit(m, h)
	if p == parked {
		m.task = h
	}
	return p
}

func (m *completion) withdraw(which match, woken *wakeList) {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if m.task != nil && which.has(m.task) {
		wake(m.task, 0, woken)
		m.task = nil
	}
}

func (m *completion) forget(r *waitRegistry) bool {
	if !m.lock.mu.TryLock() {
		return false
	}
	defer m.lock.mu.Unlock()
	return m.lock.forget(r, m.task != nil)
}

// finish ends the goroutine's use of e.
func (e *offload[T]) finish() {
	var woken wakeList
	e.lock.mu.Lock()
	e.finished = true
	if e.task != nil {
		wake(e.task, flagWoken, &woken)
		e.task = nil
	}
	if e.stopping {
		e.answer <- struct{}{}
	}
	e.lock.mu.Unlock()
	e.drop() // first: the task may want another one
	post(&woken)
}

// drop ends the use of e by one of its owners.
func (e *offload[T]) drop() {
	if e.owners.Add(-1) > 0 {
		return
	}
	select { // what nobody looked at
	case <-e.stop:
	default:
	}
	e.lock.mu.Lock()
	e.finished, e.stopping = false, false
	e.lock.mu.Unlock()
	e.offloadRequest = offloadRequest[T]{}
	e.done, e.closed, e.err, e.panic, e.unhook = false, false, nil, nil, nil
	e.kind.offloads.Put(e)
}

// Do is what the helper does.
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

// call calls the function. If that ends the goroutine, call does not return, even if a
// panic on the way is recovered here.
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

// settle is called by a task that was woken by something else than the end of e. It
// returns whether e has come to its end, now that it is the task's again.
//
// A goroutine that waits for a Go channel is stopped. It has received or sent, or
// it has not: the task must know which, or a value would be lost or sent twice. So
// the worker waits for the answer, which comes at once.
func (e *offload[T]) settle() bool {
	if e.fn == nil && e.ctx == nil {
		e.lock.mu.Lock()
		e.stopping = !e.finished
		stopping := e.stopping
		e.lock.mu.Unlock()
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

// abandon ends the use of e by a task that is gone.
func (e *offload[T]) abandon() {
	switch {
	case e.fn != nil:
	case e.ctx != nil:
		if e.unhook() {
			e.drop() // in place of finish
		}
	default:
		e.stop <- struct{}{}
	}
	e.drop()
}

// errandKind is the kind of the child.
type offloadKind[T any] struct {
	*HeldKind[struct{}, offloadHeld[T], T]
	offloads sync.Pool
}

// release is also how it is known that a child is gone that did not go on: its
// executor was closed.
func (k *offloadKind[T]) release(w *Worker, h *header) {
	held := &(*heldFrame[struct{}, offloadHeld[T], T])(unsafe.Pointer(h)).slot.get().Value
	if e := held.offload; e != nil {
		held.offload = nil
		e.abandon()
	}
	k.HeldKind.release(w, h)
}

// errandKinds has the kinds of children that do offloads of one sort, by the type of
// the result.
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
		k.HeldKind.held = k
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
			e.panic.Backtrace = f.backtrace()
			err = e.panic
		}
	}
	v := e.value
	e.drop()
	if err != nil {
		return f.Fail(err)
	}
	return f.Return(v)
}

// begin does the offload at once, if that needs no waiting, or has it done.
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
	if err := f.env.get().cause(); err != nil {
		return f.Fail(err)
	}
	e := k.offloads.Get().(*offload[T])
	e.offloadRequest = held.offloadRequest
	e.owners.Store(2)
	held.offload = e
	if e.ctx != nil {
		e.unhook = context.AfterFunc(e.ctx, func() {
			e.done = true
			e.finish()
		})
	} else {
		offloadHelpers.Run(e)
	}
	return f.waitFor(1, &e.completion)
}
