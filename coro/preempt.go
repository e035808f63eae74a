package coro

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
)

// Preempt asks the chain that the worker runs to give way to other tasks: at its
// next Await, or its next wait for something that is there already, it is handed
// to its executor like a task that yields, but does not learn of the end of its
// context by that. A step that is running is not interrupted, and a worker that
// runs nothing takes no notice. Any goroutine may call Preempt.
func (w *Worker) Preempt() { w.preempt.Store(1) }

// giveWay hands h, which is about to run, to its executor. It returns the frame to run
// next: none, or h if that has to stay with this worker.
func (w *Worker) giveWay(h *header) *header {
	if h.layout&flagRefused != 0 {
		return h // the worker keeps its memory; it fails in its first step
	}
	w.preempt.Store(0)
	h.layout |= flagWoken // or Run would tell it of the end of its context
	w.yield(h)
	return nil
}

// Began returns the kind of the innermost task of the worker's last Run, as it was
// when the Run began; the zero KindInfo before the first. Any goroutine may ask.
func (w *Worker) Began() KindInfo {
	began := link[kind](atomic.LoadUintptr(&w.began))
	if began == 0 {
		return KindInfo{}
	}
	return began.get().info()
}

// begin notes that a Run of h begins.
func (w *Worker) begin(h *header) {
	if w.preempt.Load() != 0 {
		w.preempt.Store(0)
	}
	if k := uintptr(h.kind); race.Enabled {
		atomic.StoreUintptr(&w.began, k)
	} else {
		w.began = k
	}
}

// Word returns the task as an integer that is not 0, for an executor whose queues
// are made of words that several goroutines change atomically. The task is had
// back with [RunnableOf].
func (t Runnable) Word() uintptr { return uintptr(unsafe.Pointer(t.h)) }

// RunnableOf returns the task of a word that [Runnable.Word] returned.
func RunnableOf(word uintptr) Runnable {
	l := link[header](word)
	return Runnable{l.get()}
}
