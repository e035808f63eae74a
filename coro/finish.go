package coro

import (
	"errors"
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// finish ends the task of h with err, which may be nil, and frees its frame. It returns the
// frame to run next, if any: the parent's or, if h was a spawned child, that of the parent
// whose last child it was or of another child. A parent that has ended and stayed for its
// children ends in the same loop.
func (w *Worker) finish(h *header, err error) *header {
	for {
		if h.layout&flagGroup != 0 {
			var wait bool
			if err, wait = w.endGroup(h, err); wait {
				return nil
			}
		}
		parent, env, flags, result := h.parent.get(), h.env, h.layout, h.result
		w.current = 0
		if err != nil {
			w.failed = h.kind.get()
		}
		w.discard(h)
		if flags&(flagRoot|flagSpawned) == 0 {
			if err != nil {
				w.err = err
				w.refusals = 0
				parent.at |= atFailed
			}
			return parent
		}
		w.err = nil
		w.passing = nil
		if flags&flagDetached == flagDetached {
			detachedChildEnded(w, env, result, err)
			return nil
		}
		if flags&flagRoot != 0 {
			w.endRoot(env, result, err)
			return nil
		}
		if h = w.childEnded(parent, result, err); h == nil || h.layout&flagLingering == 0 {
			return h
		}
		err = w.err
	}
}

// discard frees h and closes its scope, if it has one. The task has ended, or will not begin.
func (w *Worker) discard(h *header) {
	env, flags := h.env, h.layout
	w.free(h)
	if flags&flagScope != 0 {
		env.scope().child().close(w)
	}
}

// free releases the held part of h, if it has one, and gives the frame back to the memory that
// it came from.
func (w *Worker) free(h *header) {
	k := h.kind.get()
	if h.layout&flagCounted != 0 {
		h.countEnd(w)
	}
	if h.layout&flagHeld != 0 {
		k.held.release(w, h)
	}
	if framecheck.Enabled && h.layout&flagElided == 0 {
		h.endRoom()
	}
	switch {
	case h.layout&flagElided != 0:
		if framecheck.Enabled {
			h.endRoom() // fills it
		}
	case h.layout&flagRefused != 0:
		w.refusedFrame = nil
	case h.layout&flagDetached == flagRoot:
		env := h.env.get()
		if env.allocator != nil {
			env.allocator.Deallocate(unsafe.Pointer(h), env.rootFrameSize(k))
		} else {
			w.cache.Deallocate(unsafe.Pointer(h), env.rootFrameSize(k))
		}
	case h.layout&flagCustom != 0:
		h.env.get().allocator.Deallocate(unsafe.Pointer(h), k.size)
	default:
		w.cache.Deallocate(unsafe.Pointer(h), k.capacity)
	}
}

// Cancel ends a task that was posted to an executor and will not be run. It ends the tasks that
// await it too, children first, frees their frames, and ends the root with err, joined with the
// panics of cleanup steps. It calls no step function, except for the cleanup steps of kinds
// with [HasCleanup].
func (w *Worker) Cancel(t Runnable, err error) {
	h := t.h
	if h.kind.get() == turnKind {
		relayOf(h).cancel(w, err)
		return
	}
	for h != nil {
		var ends error
		if h.kind.get().compiled {
			h, ends = w.endCompiled(h, err)
		} else {
			ends = w.runCleanup(h, err)
		}
		if p, panicked := ends.(*PanicError); panicked {
			err = errors.Join(err, p) // for the caller that waits for the root
			ends = err
		}
		h = w.finish(h, ends)
	}
}

// failOnPanic makes a panic with the value v fail the task whose step function panicked. It
// returns the frame to run next, if any. It panics with v if no step function was running.
func (w *Worker) failOnPanic(v any) *header {
	if w.current == 0 {
		panic(v) // in an executor or a handler
	}
	h, child := w.running()
	err := w.panicError(h, v)
	if child != nil { // it will not begin
		w.discard(child)
	}
	if !h.kind.get().compiled && w.beginCleanup(h, err) {
		return h
	}
	return w.finish(h, err)
}
