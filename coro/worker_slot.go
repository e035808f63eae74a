package coro

// Which goroutine runs which worker.
//
// A method without a frame, such as Mutex.Unlock, Event.Set, Waker.Wake or Go, may be called on
// any goroutine. If a step calls it, what becomes ready may go to the queue of the step's
// worker, without the executor's gate and without Post. So the method must find the worker
// whose step is running on the calling goroutine. Go has no goroutine-local variables. In their
// place stands workerSlotTable: a goroutine that is in [Worker.Run] has one of 256 slots, and
// the slot refers to the worker. The method looks at one slot, whatever the number of workers.
//
// # Numbers
//
// A slot is found by the goroutine's number, goroutine.Pointer: the address of the runtime's
// record of the goroutine. To read it takes one instruction of assembly. Two goroutines that
// live at the same time have different numbers. The record of a goroutine that has ended is
// used again, so a later goroutine may have the same number.
//
// # Why a plain field is enough
//
// Only the owner of a slot touches workerSlot.worker. The owner is the goroutine whose number
// is in workerSlot.goroutine.
//
//   - A goroutine becomes the owner by changing 0 to its number, with a compare-and-swap. Of
//     several goroutines that try, one succeeds.
//   - Only the owner changes the number back to 0. Nobody else changes a number that is not 0.
//   - So a goroutine that loads its own number is the owner: it has stored the number itself,
//     and it has stored the worker beside it, earlier in its own program order. It reads its
//     own writing. That needs no atomic and no barrier.
//   - A goroutine that loads another number, or 0, reads nothing else of the slot. It does not
//     matter how old the value that it loads is: it is not the goroutine's own number, because
//     a goroutine sees its own last store.
//   - A field passes from one owner to the next through the number: leave writes worker, then
//     stores 0, and the compare-and-swap of the next owner reads that 0. So the next owner's
//     writes come after all of the last owner's, and the race detector sees that they do.
//
// A slot is freed before its goroutine ends, in a deferred function: of stepsRecovering, or of
// the executor that has called Attach. That includes a goroutine that a step ends by
// runtime.Goexit. So no slot holds the number of a goroutine that has ended, and no later
// goroutine with the same number takes itself for the owner.
//
// After a Goexit another goroutine takes the worker over (goexit.go). The slot of an attached
// goroutine then refers to a worker that runs elsewhere. That goroutine waits until the other
// one has run everything, and calls no method meanwhile. Afterwards Worker.current is 0, so
// currentWorker returns nil.
//
// # Without a slot
//
// A goroutine has no slot if another goroutine has that slot, on a processor for which there is
// no assembly, with another compiler than gc, and in a build with the tag purego, in which all
// numbers are 0. The goroutine of a cleanup step (stepAlone) and a loop over a generator take
// none. Then currentWorker returns nil, and methods do what they do outside of steps:
// they pass the gate and call Post. That is slower, and never wrong.

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/goroutine"
)

// currentWorker returns the worker whose step is running on the calling goroutine. It returns
// nil outside of steps, and when the goroutine has no worker slot.
func currentWorker() *Worker {
	number := goroutine.Pointer()
	s := workerSlotOf(number)
	if s.goroutine.Load() != number || number == 0 {
		return nil
	}
	if w := s.worker; w.current != 0 { // w runs on this goroutine: its fields are ours
		return w
	}
	return nil
}

// workerSlotTable is all slots. A goroutine uses the one that workerSlotOf gives for its
// number.
var workerSlotTable [1 << workerSlotBits]workerSlot

const workerSlotBits = 8

// workerSlot refers to the worker that its owner runs. The owner is the goroutine whose number
// is in it; the slot is free while that is 0.
type workerSlot struct {
	// goroutine is the owner's number, or 0. Any goroutine changes 0 to its own number, by
	// compare-and-swap; the owner alone changes it back, by a store. Any goroutine loads it,
	// and compares it with its own number only.
	goroutine atomic.Uintptr

	// worker runs tasks on the owner. If a step runs another worker, as a step that posts to
	// an Inline does, it is the innermost one. The owner alone reads and writes it.
	worker *Worker

	_ [128 - 16]byte // slots are written by different threads
}

// workerSlotOf returns the slot for a goroutine's number. Numbers are addresses of records of
// one size: a multiplication spreads them over the table.
func workerSlotOf(number uintptr) *workerSlot {
	return &workerSlotTable[uint32(number>>3)*2654435769>>(32-workerSlotBits)]
}

// slotEntry is what leave undoes. It belongs to the goroutine that called enterSlot.
type slotEntry struct {
	slot  *workerSlot // nil: enterSlot changed nothing
	outer *Worker     // the slot's worker before; nil: the slot was free
}

// enterSlot makes w the worker of the calling goroutine's slot, until leave is called on the
// same goroutine. It changes nothing if w is that already, or if another goroutine has the
// slot.
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

// leave undoes enterSlot. The worker is cleared before the slot is free: once it is, the field
// belongs to the next owner.
func (e slotEntry) leave() {
	if e.slot == nil {
		return
	}
	e.slot.worker = e.outer
	if e.outer == nil {
		e.slot.goroutine.Store(0)
	}
}

// WorkerNumber returns the number of the worker that runs tasks on the calling goroutine, also
// between two steps, when frames are freed. No two workers have the same number at the same time;
// a worker that is made when another is gone may have that one's. WorkerNumber returns 0 on other
// goroutines, and where a goroutine has no slot for its worker: on processors other than amd64, 386
// and arm64, with the build tag purego, and seldom elsewhere. It is for records of what workers do,
// such as those of [arena.Trace.Workers].
func WorkerNumber() uint64 {
	number := goroutine.Pointer()
	s := workerSlotOf(number)
	if s.goroutine.Load() != number || number == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(s.worker))) // the collector does not move it
}
