package coro

import (
	"context"
	"fmt"
	"os"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// Executor decides which goroutine runs tasks, and when. Package executor has
// several; a user's own needs these two methods and a goroutine that calls
// [Worker.Run]. When it is closed, it calls [Environment.Close] and
// [Environment.CancelWaiting].
type Executor interface {
	// Post takes a task that is ready to run, from any goroutine, and sees to it
	// that some worker's Run or Cancel is called for it, once. If it returns an
	// error it has not taken the task.
	Post(t Runnable) error

	// Environment returns what [NewEnvironment] made for this executor.
	Environment() *Environment
}

// Environment is what the tasks of a tree have in common: executor, allocator
// and context. A root has it from its launch, a child from its parent, by way of
// one word in the frame. There is no thread-local state that could be that of
// another tree.
//
// It is not changed while a task of the tree lives, and kept alive by the
// executor or, if the launch had options, by the pinned calls.
type Environment struct {
	executor Executor
	arena    *arena.Arena
	runtime  *execRuntime // what the executor's environments share so that tasks can wait

	// registry is where tasks of this environment can be found while they wait: that
	// of waiting, or the tree's own if its context can end.
	registry *waitRegistry

	// allocator serves the tree's frames, on whatever goroutine; nil means the
	// arena, through the cache of the worker at hand.
	allocator arena.FrameAllocator

	// scope is what this is the environment of, if it is that of a part of a tree, or of a
	// tree that a Handle may cancel.
	scope *scope

	mark     Origin  // is added to the origin of tasks in PushLocal; see View
	rootSize uintptr // the least size of a root's frame
	counted  bool    // tasks are counted by their kinds
	profiled bool    // and are in profiles

	ctx     context.Context // nil: none
	handler func(error)     // gets errors of roots that nobody waits for
	call    *call           // whose tree this is, if it is not the executor's
	relay   *Relay          // the executor, if that is one; see Relay
}

// NewEnvironment returns the environment of tasks that are launched on ex without
// options. Their frames come from a, and all workers of ex must be workers of a.
// handler is called with the error of a root task that nobody waits for, on the
// worker's goroutine; nil prints it to standard error.
func NewEnvironment(ex Executor, a *arena.Arena, handler func(error)) *Environment {
	if handler == nil {
		handler = printError
	}
	x := newExecRuntime()
	return &Environment{executor: ex, arena: a, runtime: x, registry: &x.registry, handler: handler}
}

// Close makes launches on the executor return err, whatever their options, and
// waits for those that have begun to make a frame and not yet posted it: what
// they post, the executor must still take or refuse. An executor calls it before
// it closes its arena. It must not be called from a step function.
func (e *Environment) Close(err error) { e.runtime.close(err) }

func printError(err error) { fmt.Fprintln(os.Stderr, "coro: a task failed:", err) }

// mayEnd reports whether cause may ever return an error.
func (e *Environment) mayEnd() bool { return e.registry != &e.runtime.registry }

// cause returns why the tree, or the part of it that is a scope, should end, if it
// should.
func (e *Environment) cause() error {
	for r := e.registry; r != nil; r = r.outer {
		if r.cancelled.Load() {
			return r.cause
		}
		if r.ctx != nil && r.ctx.Err() != nil {
			return context.Cause(r.ctx)
		}
		if r.deadline != 0 && r.runtime.timing().now() >= r.deadline {
			return context.DeadlineExceeded
		}
	}
	return nil
}

func (e *Environment) context() context.Context {
	if e.scope != nil {
		return e.scope.context()
	}
	if e.ctx == nil {
		return context.Background()
	}
	return e.ctx
}

// newRoot makes a root's frame, or returns nil. Its state is undefined. w is the worker in
// whose step it is called, or nil.
func (e *Environment) newRoot(w *Worker, k *kind) *header {
	layout := uint32(flagRoot)
	if e.counted {
		layout |= flagCounted
	}
	size := e.rootFrameSize(k)
	var h *header
	switch {
	case e.allocator != nil:
		layout |= flagCustom
		h = (*header)(e.allocator.Allocate(size))
	case w != nil:
		h = (*header)(w.cache.Allocate(size))
	default:
		h = (*header)(e.arena.Allocate(size))
	}
	if h == nil {
		return nil
	}
	*h = header{layout: layout | roomBehind(k, size)}
	h.kind.set(k)
	h.env.set(e)
	if e.counted {
		h.countStart(w)
	}
	if e.relay != nil && e.call == nil {
		e.relay.rootBegan()
	}
	return h
}

// rootFrameSize returns how much memory a root of kind k gets, in bytes. A custom
// allocator is asked for what is needed, and nothing is known of what it gives more.
func (e *Environment) rootFrameSize(k *kind) uintptr {
	size := max(k.size, e.rootSize)
	if e.allocator == nil {
		if class := bins.ClassOf(size); class < bins.Classes {
			return class.Size()
		}
	}
	return size
}

// freeRoot takes back the frame of a root that never ran.
func (e *Environment) freeRoot(h *header) {
	k := h.kind.get()
	size := e.rootFrameSize(k)
	if h.layout&flagCounted != 0 {
		h.uncount()
	}
	if h.layout&flagHeld != 0 {
		k.held.release(nil, h)
	}
	if e.allocator != nil {
		e.allocator.Deallocate(unsafe.Pointer(h), size)
	} else {
		e.arena.Deallocate(unsafe.Pointer(h), size)
	}
	if e.relay != nil && e.call == nil {
		e.relay.rootEnded()
	}
}

// ended is told that the root ended with err, which may be nil. Its frame is
// gone, and e may be as soon as ended returns.
func (e *Environment) rootEnded(err error) {
	if c := e.call; c != nil {
		c.rootEnded(err)
		return
	}
	if e.relay != nil {
		e.relay.rootEnded()
	}
	if err != nil {
		e.handler(err)
	}
}
