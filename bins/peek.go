package bins

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
)

// Why a Peek is safe, and what its result is worth.
//
// A map of all free frames is drawn while others use the lists. Taking the frames out and
// putting them back would make a thread that runs dry meanwhile take new memory from the
// system. So Peek only loads words, while the owners know nothing of it.
//
//   - Each word was stored whole, so it is loaded whole. The owners' stores are plain.
//     Under the race detector they are atomic (store, store32, copyWords), and the owners'
//     loads stay plain, so that the detector still finds two goroutines that use a list or
//     a batch at the same time.
//   - Peek reads no memory that is gone. A List is a part of its cache. Every value that
//     next ever has is 0 or the address of a batch, and the caller promises that all
//     batches stay batches for the time of the call. So Peek may be led to another stack or
//     list of batches, when the batch that it looks at is taken and linked elsewhere, but
//     never out of the batches.
//   - Peek ends: it follows at most the given number of batches, also if links that change
//     under its eyes lead it in a circle.
//   - A result is exact if nobody used the list or stack during the call. Stack.Peek
//     returns false when it knows better: it has met an empty batch, which stacks of free
//     frames never hold, or too many batches, or fewer frames than were counted both before
//     and after. True is no proof of the contrary: batches that come and go can keep the
//     sum.
//
// TestPeekAtAList and TestPeekNoticesThatItIsLedAway show it, also under -race.

// store writes a word that a Peek may load.
func store(word *uintptr, x uintptr) {
	if race.Enabled {
		atomic.StoreUintptr(word, x)
		return
	}
	*word = x
}

// store32 is store for 32 bits.
func store32(word *uint32, x uint32) {
	if race.Enabled {
		atomic.StoreUint32(word, x)
		return
	}
	*word = x
}

// copyWords is copy for words that a Peek may load.
func copyWords(to, from []uintptr) {
	if race.Enabled {
		for i := range from {
			store(&to[i], from[i])
		}
		return
	}
	copy(to, from)
}

// Peek calls yield with the address of each frame in the list. Any goroutine may call it.
// The result is exact while the owner is at rest. Otherwise a frame that is pushed or
// popped during the call may be missing, and one that was popped may be reported.
func (l *List) Peek(yield func(frame uintptr)) {
	n := min(atomic.LoadUint32(&l.n), listSlots)
	for i := range n {
		yield(atomic.LoadUintptr(l.slot(i)))
	}
	if top := atomic.LoadUintptr(&l.top); top > noTop {
		yield(top)
	}
}

// Peek calls yield with the address of each frame on the stack, and whether its batch is
// cold. It looks at no more than most batches. Any goroutine may call it, at any time, as
// long as all batches that were ever on the stack are kept for use as batches.
//
// The stack must not hold empty batches. The result is exact while nobody uses it.
// Otherwise batches may be taken during the call and linked elsewhere. Then frames may be
// missing, and frames may be reported that have left the stack or are free in another list.
// Peek returns false if it has noticed that.
func (s *Stack) Peek(most int, yield func(frame uintptr, cold bool)) (complete bool) {
	expected := s.Frames()
	seen := 0
	for b := s.head.Load(); b != nil; b = b.peekNext() {
		n := min(atomic.LoadUint32(&b.n), BatchCap)
		if n == 0 || most == 0 { // stacks of free frames hold no empty batch
			return false
		}
		most--
		cold := atomic.LoadUint32(&b.cold) != 0
		for i := range b.slots[:n] {
			yield(atomic.LoadUintptr(&b.slots[i]), cold)
		}
		seen += int(n)
	}
	return seen >= min(expected, s.Frames())
}

// peekNext is Next for goroutines that do not own the batch.
func (b *Batch) peekNext() *Batch {
	next := atomic.LoadUintptr(&b.next)
	return *(**Batch)(unsafe.Pointer(&next))
}
