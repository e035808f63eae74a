package bins

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
)

// ListCap is the number of addresses that a List has room for: two full
// batches and a bit, so that after a publish and after a refill alike the owner
// finds half a list to work with.
const ListCap = 127

const wordBytes = unsafe.Sizeof(uintptr(0))

// List is the private stack of free frames of one class. It belongs to one
// owner at a time, who alone calls Pop, Push, Fill and Drain; Len may be called
// by anyone. The zero List is empty and has no room: [List.Open] gives it some.
//
// The most recently freed frame is the next one handed out, while its lines are
// still warm.
type List struct {
	// n frames are free: slots[:n]. Written by the owner alone. Others read it
	// for statistics, and a word that is stored whole is read whole, which is
	// all they need; under the race detector both sides use atomics instead.
	n uint32

	// limit is how many the list takes before the owner must drain it, at most
	// ListCap. It is 0 in a closed list, so that closing costs the fast path
	// nothing: every push and pop goes the slow way, where there is time to ask.
	limit uint32

	// slots hold addresses as integers, so that storing one is a plain store
	// without a write barrier. Frames are kept alive by their slab, not by this.
	slots [ListCap]uintptr
}

// On 64-bit machines a list is 1 KiB, so that finding one in an array is a shift.
var _ [(1024 - unsafe.Sizeof(List{})) * (wordBytes / 8)]struct{}

// slot is where the i-th address is. It stands in for slots[i] because the
// bounds check would cost the fast path a compare and a branch that the check
// against n or limit has made already: i < limit ≤ ListCap = len(slots).
func (l *List) slot(i uint32) *uintptr {
	return (*uintptr)(unsafe.Add(unsafe.Pointer(&l.slots), uintptr(i)*wordBytes))
}

// Pop removes the frame that was pushed last and returns it, or nil if the list
// is empty. Cost: 2 loads, 1 store, 1 branch.
func (l *List) Pop() unsafe.Pointer {
	n := l.n
	if n == 0 {
		return nil
	}
	l.setLen(n - 1)
	// The address is read back as a pointer: a conversion from an integer would
	// be one that vet cannot tell from a mistake.
	return *(*unsafe.Pointer)(unsafe.Pointer(l.slot(n - 1)))
}

// Push adds a frame and reports whether there was room. Cost: 2 loads, 2 stores,
// 1 branch.
func (l *List) Push(p unsafe.Pointer) bool {
	n := l.n
	if n >= l.limit {
		return false
	}
	*l.slot(n) = uintptr(p)
	l.setLen(n + 1)
	return true
}

// Top returns the frame that Pop would return, without removing it; nil if the
// list is empty. A frame freed twice in a row is found there.
func (l *List) Top() unsafe.Pointer {
	if l.n == 0 {
		return nil
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(l.slot(l.n - 1)))
}

func (l *List) setLen(n uint32) {
	if race.Enabled {
		atomic.StoreUint32(&l.n, n)
		return
	}
	l.n = n
}

// Len returns the number of frames in the list. Any goroutine may ask; only
// while the owner is at rest is the answer more than a moment old.
func (l *List) Len() int { return int(atomic.LoadUint32(&l.n)) }

// Open gives the list room for limit frames, at most ListCap; 0 closes it. The
// list must be empty.
func (l *List) Open(limit int) {
	if l.n != 0 || limit < 0 || limit > ListCap {
		panic("bins: Open of a list that is not empty, or with a limit that does not fit")
	}
	l.limit = uint32(limit)
}

// Fill moves all of b's frames into the list, which must be empty and open, and
// leaves b empty.
func (l *List) Fill(b *Batch) {
	if l.n != 0 || b.n > l.limit {
		panic("bins: Fill of a list that has no room")
	}
	copy(l.slots[:b.n], b.slots[:b.n])
	l.setLen(b.n)
	b.n = 0
}

// Drain moves up to limit of the list's newest frames to the empty batch b.
func (l *List) Drain(b *Batch, limit int) {
	n := min(l.n, uint32(limit), BatchCap)
	copy(b.slots[:n], l.slots[l.n-n:l.n])
	b.n = n
	l.setLen(l.n - n)
}
