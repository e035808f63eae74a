package coro

import "github.com/framearena/framearena/internal/goroutine"

// Seats returns how many goroutines have a seat.
func Seats() (n int) {
	for i := range workerSlotTable {
		if workerSlotTable[i].goroutine.Load() != 0 {
			n++
		}
	}
	return n
}

// InStepOf reports whether w is the worker in whose step it is called, as far as methods
// without a frame can tell; known says whether they can.
func InStepOf(w *Worker) (is, known bool) { return currentWorker() == w, goroutine.Pointer() != 0 }

// TakeSeat occupies the worker slot that the calling goroutine would use, until give is called. It
// returns false if another goroutine uses the slot.
func TakeSeat() (give func(), ok bool) {
	s := workerSlotOf(goroutine.Pointer())
	if !s.goroutine.CompareAndSwap(0, 1) {
		return nil, false
	}
	return func() { s.goroutine.Store(0) }, true
}
