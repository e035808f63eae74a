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
	Post(t Task) error

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
	gate     *gate
	waiting  *waiting // what the executor's environments share so that tasks can wait

	// registry is where tasks of this environment can be found while they wait: that
	// of waiting, or the tree's own if its context can end.
	registry *waitRegistry

	// allocator serves the tree's frames, on whatever goroutine; nil means the
	// arena, through the cache of the worker at hand.
	allocator arena.FrameAllocator

	ctx     context.Context // nil: none
	handler func(error)     // gets errors of roots that nobody waits for
	call    *call           // whose tree this is, if it is not the executor's
}

// NewEnvironment returns the environment of tasks that are launched on ex without
// options. Their frames come from a, and all workers of ex must be workers of a.
// handler is called with the error of a root task that nobody waits for, on the
// worker's goroutine; nil prints it to standard error.
func NewEnvironment(ex Executor, a *arena.Arena, handler func(error)) *Environment {
	if handler == nil {
		handler = printError
	}
	x := newWaiting()
	return &Environment{executor: ex, arena: a, gate: newGate(), waiting: x, registry: &x.registry, handler: handler}
}

// Close makes launches on the executor return err, whatever their options, and
// waits for those that have begun to make a frame and not yet posted it: what
// they post, the executor must still take or refuse. An executor calls it before
// it closes its arena. It must not be called from a step function.
func (e *Environment) Close(err error) { e.gate.close(err) }

func printError(err error) { fmt.Fprintln(os.Stderr, "coro: a task failed:", err) }

// cause returns why the tree should end, if it should.
func (e *Environment) cause() error {
	if e.ctx == nil {
		return nil
	}
	return context.Cause(e.ctx)
}

func (e *Environment) context() context.Context {
	if e.ctx == nil {
		return context.Background()
	}
	return e.ctx
}

// newRoot makes a root's frame, or returns nil. Its state is undefined.
func (e *Environment) newRoot(k *kind) *header {
	flags := uint32(flagRoot)
	var h *header
	if e.allocator != nil {
		flags |= flagCustom
		h = (*header)(e.allocator.Allocate(k.size))
	} else {
		h = (*header)(e.arena.Allocate(k.size))
	}
	if h == nil {
		return nil
	}
	if k.class >= bins.Classes {
		flags |= flagLarge
	}
	*h = header{flags: flags}
	h.kind.set(k)
	h.env.set(e)
	return h
}

// freeRoot takes back the frame of a root that never ran.
func (e *Environment) freeRoot(h *header) {
	size := h.kind.get().size
	if e.allocator != nil {
		e.allocator.Deallocate(unsafe.Pointer(h), size)
	} else {
		e.arena.Deallocate(unsafe.Pointer(h), size)
	}
}

// ended is told that the root ended with err, which may be nil. Its frame is
// gone, and e may be as soon as ended returns.
func (e *Environment) ended(err error) {
	if c := e.call; c != nil {
		c.ended(err)
	} else if err != nil {
		e.handler(err)
	}
}
