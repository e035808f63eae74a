package bins

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
)

// Whoever wants a picture of all free frames looks into lists that others use
// meanwhile: to take the frames out and put them back would make those who run dry
// take new ones from the system. Who looks loads whole words, each of which somebody
// stored, and owes it to the owners that they need not know: their stores are plain.
// Under the race detector they are atomic, too. Their loads are not, so that the
// detector still finds two who use a list or a batch at once.

// store writes a word that somebody may peek at.
func store(word *uintptr, x uintptr) {
	if race.Enabled {
		atomic.StoreUintptr(word, x)
		return
	}
	*word = x
}

func store32(word *uint32, x uint32) {
	if race.Enabled {
		atomic.StoreUint32(word, x)
		return
	}
	*word = x
}

// copyWords is copy for words that somebody may peek at.
func copyWords(to, from []uintptr) {
	if race.Enabled {
		for i := range from {
			store(&to[i], from[i])
		}
		return
	}
	copy(to, from)
}

// Peek calls yield with the address of each frame in the list. Any goroutine may call
// it. It is exact while the owner is at rest; otherwise a frame that comes or goes may
// be missing, and one that has gone may be met.
func (l *List) Peek(yield func(frame uintptr)) {
	n := min(atomic.LoadUint32(&l.n), listSlots)
	for i := range n {
		yield(atomic.LoadUintptr(l.slot(i)))
	}
	if top := atomic.LoadUintptr(&l.top); top > noTop {
		yield(top)
	}
}

// Peek calls yield with the address of each frame on the stack, and whether its batch
// is cold. It looks at no more than most batches. Any goroutine may call it, at any
// time, while all batches that were ever on the stack are kept for use as batches.
//
// It is exact while nobody uses the stack. Otherwise its batches may be taken under
// its eyes, and go elsewhere, and then Peek does too: frames may be missing, and some
// be met that have left, or that are free in another list. If Peek has noticed that,
// it returns false.
func (s *Stack) Peek(most int, yield func(frame uintptr, cold bool)) (complete bool) {
	expected := s.Frames()
	seen := 0
	for b := s.head.Load(); b != nil; b = b.peekNext() {
		n := min(atomic.LoadUint32(&b.n), BatchCap)
		if n == 0 || most == 0 { // none on a stack is empty
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

// peekNext is Next for who does not own the batch.
func (b *Batch) peekNext() *Batch {
	next := atomic.LoadUintptr(&b.next)
	return *(**Batch)(unsafe.Pointer(&next))
}
