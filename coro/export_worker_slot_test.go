package coro

import "github.com/framearena/framearena/internal/goroutine"

// WorkerSlotsInUse returns how many goroutines have a worker slot.
func WorkerSlotsInUse() (n int) {
	for i := range workerSlotTable {
		if workerSlotTable[i].goroutine.Load() != 0 {
			n++
		}
	}
	return n
}

// InStepOf reports whether the caller is in a step of w, as far as methods without a frame
// can tell. known reports whether they can tell.
func InStepOf(w *Worker) (is, known bool) { return currentWorker() == w, goroutine.Pointer() != 0 }

// TakeWorkerSlot has another goroutine take the worker slot that the caller would have, until
// give is called. ok is false if the slot is in use.
func TakeWorkerSlot() (give func(), ok bool) {
	s := workerSlotOf(goroutine.Pointer())
	if !s.goroutine.CompareAndSwap(0, 1) {
		return nil, false
	}
	return func() { s.goroutine.Store(0) }, true
}
