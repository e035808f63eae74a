package coro

import (
	"errors"
	"unsafe"
)

// finish ends the task of h with err, which may be nil, frees its frame and
// returns the frame to run next, if any.
func (w *Worker) finish(h *header, err error) *header {
	for {
		if h.layout&flagGroup != 0 {
			var wait bool
			if err, wait = w.endGroup(h, err); wait {
				return nil
			}
		}
		parent, env, flags, result := h.parent.get(), h.env.get(), h.layout, h.result
		w.current = 0
		w.discard(h)
		if flags&(flagRoot|flagSpawned) == 0 {
			if err != nil {
				w.err = err
				parent.at |= atFailed
			}
			return parent
		}
		w.err = nil
		if flags&flagRoot != 0 {
			w.endRoot(env, err)
			return nil
		}
		if h = w.childEnded(parent, result, err); h == nil || h.layout&flagLingering == 0 {
			return h
		}
		err = w.err
	}
}

// discard frees h, whose task has ended or will not begin, and what ends with it.
func (w *Worker) discard(h *header) {
	env, flags := h.env.get(), h.layout
	w.free(h)
	if flags&flagScope != 0 {
		env.scope.close(w)
	}
}

// free clears the held part of h, if it has one, and gives the frame back to where
// it came from.
func (w *Worker) free(h *header) {
	k := h.kind.get()
	if h.layout&flagCounted != 0 {
		h.countEnd(w)
	}
	if h.layout&flagHeld != 0 {
		k.held.release(w, h)
	}
	switch {
	case h.layout&flagElided != 0:
	case h.layout&flagRefused != 0:
		w.refusedFrame = nil
	case h.layout&flagRoot != 0:
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

// Cancel ends a task that was handed to an executor and will not be run: it
// frees the frame and those of all tasks that await it, children first, and ends
// the root with err, joined with what a cleanup step panicked with. Of the tasks nothing is
// called but the steps that kinds with [HasCleanup] have for that.
func (w *Worker) Cancel(t Runnable, err error) {
	h := t.h
	if h.kind.get() == turnKind {
		relayOf(h).cancel(w, err)
		return
	}
	for h != nil {
		ends := w.runCleanup(h, err)
		if p, panicked := ends.(*PanicError); panicked {
			err = errors.Join(err, p) // for who waits for the root
			ends = err
		}
		h = w.finish(h, ends)
	}
}

// recovered makes a panic in a step function a failure of its task, and returns
// the frame that learns of it, if any.
func (w *Worker) failOnPanic(v any) *header {
	if w.current == 0 {
		panic(v) // not in a step function, but in an executor or a handler
	}
	h, child := w.running()
	err := newPanicError(h, v)
	if child != nil { // it will not begin
		w.discard(child)
	}
	if w.beginCleanup(h, err) {
		return h
	}
	return w.finish(h, err)
}
