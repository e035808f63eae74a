package bins

import "unsafe"

// BatchCap is the number of addresses that a Batch has room for.
const BatchCap = 62

// Batch is a block of addresses of free frames of one class: the unit in which
// frames move between threads. It belongs to whoever holds the pointer: its
// maker until it is pushed onto a [Stack], the Stack until it is taken, the taker
// from then on. Nobody else looks at it, but for a [Stack.Peek].
//
// It holds no pointer that the collector needs to follow; whoever allocates
// batches keeps them reachable for as long as they are in use, and not on a
// goroutine's stack, which moves.
type Batch struct {
	// next is the batch below this one, as an integer: neither a write barrier
	// when it is stored nor a long chain for the collector to walk. Written by
	// the owner, published by the compare-and-swap that pushes the batch.
	next uintptr

	// n frames are in the batch: slots[:n].
	n uint32

	// cold is 1 if the frames' pages were given back to the system, and else 0.
	cold uint32

	slots [BatchCap]uintptr
}

// On 64-bit machines a batch is 512 bytes: eight cache lines that the hardware
// fetches ahead, for 62 frames.
var _ [(512 - unsafe.Sizeof(Batch{})) * (wordBytes / 8)]struct{}

// Len returns the number of frames in the batch.
func (b *Batch) Len() int { return int(b.n) }

// Next returns the batch linked behind b, or nil.
func (b *Batch) Next() *Batch { return *(**Batch)(unsafe.Pointer(&b.next)) }

// SetNext links next, which may be nil, behind b.
func (b *Batch) SetNext(next *Batch) { store(&b.next, uintptr(unsafe.Pointer(next))) }

// Cold reports whether the pages of the batch's frames were given back to the
// system: to use the frames is to get pages anew. It is for the owner of the batch
// to say, by SetCold; Fill forgets it.
func (b *Batch) Cold() bool { return b.cold != 0 }

// SetCold sets what Cold reports.
func (b *Batch) SetCold(cold bool) {
	is := uint32(0)
	if cold {
		is = 1
	}
	store32(&b.cold, is)
}

func (b *Batch) setLen(n uint32) { store32(&b.n, n) }

// Add puts a frame into the batch and reports whether there was room.
func (b *Batch) Add(p unsafe.Pointer) bool {
	if b.n >= BatchCap {
		return false
	}
	store(&b.slots[b.n], uintptr(p))
	b.setLen(b.n + 1)
	return true
}

// Remove takes the frame that was added last, or nil from an empty batch.
func (b *Batch) Remove() unsafe.Pointer {
	if b.n == 0 {
		return nil
	}
	b.setLen(b.n - 1)
	return *(*unsafe.Pointer)(unsafe.Pointer(&b.slots[b.n]))
}

// Frames calls yield with each frame in the batch until it returns false.
func (b *Batch) Frames(yield func(unsafe.Pointer) bool) {
	for i := range b.slots[:b.n] {
		if !yield(*(*unsafe.Pointer)(unsafe.Pointer(&b.slots[i]))) {
			return
		}
	}
}
