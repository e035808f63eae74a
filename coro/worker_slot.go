package coro

import (
	"sync/atomic"

	"github.com/framearena/framearena/internal/goroutine"
)

// seats say which worker runs tasks on a goroutine, for methods without a frame that a step
// calls: what becomes ready by these can go into the worker's own queue. A goroutine in
// [Worker.Run] has one of a few seats, which it finds by its number. If another goroutine
// has that seat, it does without: methods then do what they do when no worker calls them.
var workerSlotTable [1 << workerSlotBits]workerSlot

const workerSlotBits = 8

type workerSlot struct {
	// goroutine is the number of who has the seat, or 0. Anyone changes 0 to his number, by
	// compare-and-swap; who has the seat, and nobody else, changes it back. So a goroutine
	// that finds its own number here has put it there, and what it reads in worker it
	// wrote itself.
	goroutine atomic.Uintptr

	// worker runs tasks on that goroutine; inside of a step of another worker, as with an
	// Inline, the innermost. It belongs to who has the seat.
	worker *Worker

	_ [128 - 16]byte // seats are written by different threads
}

func workerSlotOf(number uintptr) *workerSlot {
	// Numbers are addresses of records of the same size.
	return &workerSlotTable[uint32(number>>3)*2654435769>>(32-workerSlotBits)]
}

// current returns the worker in whose step it is called, or nil: if it is called elsewhere, or
// if that is not known.
func currentWorker() *Worker {
	number := goroutine.Pointer()
	s := workerSlotOf(number)
	if s.goroutine.Load() != number || number == 0 {
		return nil
	}
	if w := s.worker; w.current != 0 {
		return w
	}
	return nil
}

// seated is what a goroutine has to give back: s may be nil.
type slotEntry struct {
	s     *workerSlot
	outer *Worker
}

// sit makes w the worker that runs tasks on the calling goroutine, until leave is called
// there.
func (w *Worker) enterSlot() slotEntry {
	number := goroutine.Pointer()
	s := workerSlotOf(number)
	if s.goroutine.Load() == number {
		outer := s.worker
		if number == 0 || outer == w {
			return slotEntry{}
		}
		s.worker = w
		return slotEntry{s, outer}
	}
	if !s.goroutine.CompareAndSwap(0, number) {
		return slotEntry{}
	}
	s.worker = w
	return slotEntry{s, nil}
}

func (t slotEntry) leave() {
	if t.s == nil {
		return
	}
	t.s.worker = t.outer
	if t.outer == nil {
		t.s.goroutine.Store(0)
	}
}
