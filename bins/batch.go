package bins

import "unsafe"

// BatchCap is the number of addresses that a Batch has room for.
const BatchCap = 62

// Batch is a block of addresses of free frames of one class: the unit in which frames move
// between threads. It has one owner at a time: its maker until it is pushed onto a [Stack],
// the Stack until it is taken, then the taker. Only the owner may use it, except that
// [Stack.Peek] loads its words at any time.
//
// All links and addresses are integers, which the collector does not follow. The allocator
// of a batch must keep it reachable for as long as it is in use. A batch must not lie on a
// goroutine's stack, because that may move.
type Batch struct {
	// next is the address of the batch below this one, or 0. It is an integer, so that a
	// store runs no write barrier and the collector has no chain to walk. The owner writes
	// it; the compare-and-swap that pushes the batch publishes it.
	next uintptr

	// n is the number of frames in the batch: slots[:n]. The owner writes it.
	n uint32

	// cold is 1 if the frames' pages were given back to the system, and 0 otherwise. The
	// owner writes it.
	cold uint32

	slots [BatchCap]uintptr
}

// On 64-bit machines a batch is 512 bytes, which are eight adjacent cache lines.
var _ [(512 - unsafe.Sizeof(Batch{})) * (wordBytes / 8)]struct{}

// Len returns the number of frames in the batch.
func (b *Batch) Len() int { return int(b.n) }

// Next returns the batch below b, or nil. Only the owner may call it.
func (b *Batch) Next() *Batch { return *(**Batch)(unsafe.Pointer(&b.next)) }

// SetNext makes next, which may be nil, the batch below b. Only the owner may call it.
func (b *Batch) SetNext(next *Batch) { store(&b.next, uintptr(unsafe.Pointer(next))) }

// Cold reports whether the pages of the batch's frames were given back to the system, so
// that the next use of the frames faults pages in again. The owner sets it with SetCold;
// [List.Fill] clears it.
func (b *Batch) Cold() bool { return b.cold != 0 }

// SetCold sets the result of Cold. Only the owner may call it.
func (b *Batch) SetCold(cold bool) {
	is := uint32(0)
	if cold {
		is = 1
	}
	store32(&b.cold, is)
}

func (b *Batch) setLen(n uint32) { store32(&b.n, n) }

// Add puts a frame, which is not nil, into the batch. It reports false if the batch is full.
// Only the owner may call it.
func (b *Batch) Add(p unsafe.Pointer) bool {
	if b.n >= BatchCap {
		return false
	}
	store(&b.slots[b.n], uintptr(p))
	b.setLen(b.n + 1)
	return true
}

// Remove removes the frame that was added last and returns it, or nil if the batch is
// empty. Only the owner may call it.
func (b *Batch) Remove() unsafe.Pointer {
	if b.n == 0 {
		return nil
	}
	b.setLen(b.n - 1)
	return *(*unsafe.Pointer)(unsafe.Pointer(&b.slots[b.n]))
}

// Frames is an iterator over the frames in the batch. Only the owner may call it.
func (b *Batch) Frames(yield func(unsafe.Pointer) bool) {
	for i := range b.slots[:b.n] {
		if !yield(*(*unsafe.Pointer)(unsafe.Pointer(&b.slots[i]))) {
			return
		}
	}
}
