package bins

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
)

// ListCap is the number of addresses that a List has room for: two full
// batches and a bit, so that after a publish and after a refill alike the owner
// finds half a list to work with.
const ListCap = 1 + listSlots

const (
	listSlots = 126
	wordBytes = unsafe.Sizeof(uintptr(0))
)

// List is the private stack of free frames of one class. It belongs to one
// owner at a time, who alone calls Pop, Push, Top, Fill and Drain; Len and Peek may
// be called by anyone. The zero List is empty and has no room: [List.Open] gives it
// some. The most recently freed frame is the next one handed out, while its lines
// are still warm.
//
// The frame freed last waits apart, in top. Most frames are allocated right after
// another was freed, and then neither the count nor the array is touched: a count
// that goes down and up again in memory is a chain of four dependent accesses,
// and cost the chain of tasks 5 of its 13 ns a frame (docs/allocator.md).
//
// The owner alone writes. Others read n and top for statistics, and may peek at the
// rest: a word that is stored whole is read whole, which is all they need. Under the
// race detector stores are atomic; see store, which is written out here where it would
// cost Push its inlining.
type List struct {
	// top is the address of the frame freed last, if it was not allocated again:
	// then it is noTop. In a closed list it is closedTop.
	top uintptr

	// n further frames are free: slots[:n]. All were freed before top.
	n uint32

	// limit is how many slots the list uses before the owner must drain it, at
	// most listSlots. It is 0 in a closed list, so that closing costs the fast
	// path nothing: every push and pop goes the slow way, where there is time to
	// ask.
	limit uint32

	// slots hold addresses as integers, so that storing one is a plain store
	// without a write barrier. Frames are kept alive by their slab, not by this.
	slots [listSlots]uintptr
}

// What top is when it is not an address; addresses are larger.
const (
	closedTop = iota // the list is closed; so is the zero List
	noTop
)

// On 64-bit machines a list is 1 KiB, so that finding one in an array is a shift.
var _ [(1024 - unsafe.Sizeof(List{})) * (wordBytes / 8)]struct{}

// slot is where the i-th address is. It stands in for slots[i] because the
// bounds check would cost the fast path a compare and a branch that the check
// against n or limit has made already: i < limit ≤ listSlots = len(slots).
func (l *List) slot(i uint32) *uintptr {
	return (*uintptr)(unsafe.Add(unsafe.Pointer(&l.slots), uintptr(i)*wordBytes))
}

// Pop removes the frame that was pushed last and returns it, or nil if the list
// is empty. Cost after a Push: 1 load, 1 store, 1 branch; otherwise 3 loads, 1
// store, 2 branches.
func (l *List) Pop() unsafe.Pointer {
	// An address is read back as a pointer: a conversion from an integer would be
	// one that vet cannot tell from a mistake.
	if l.top > noTop {
		p := *(*unsafe.Pointer)(unsafe.Pointer(&l.top))
		l.setTop(noTop)
		return p
	}
	n := l.n
	if n == 0 {
		return nil
	}
	l.setLen(n - 1)
	return *(*unsafe.Pointer)(unsafe.Pointer(l.slot(n - 1)))
}

// Push adds a frame and reports whether that went well: it did not if there was no
// room, or if p is the frame that was freed last already (see Top). Cost after a
// Pop: 1 load, 1 store, 1 branch; otherwise 3 loads, 3 stores, 2 branches.
func (l *List) Push(p unsafe.Pointer) bool {
	if t := l.top; t != noTop {
		n := l.n
		if n >= l.limit || t == uintptr(p) {
			return false
		}
		if race.Enabled {
			atomic.StoreUintptr(l.slot(n), t)
		} else {
			*l.slot(n) = t
		}
		l.setLen(n + 1)
	}
	l.setTop(uintptr(p))
	return true
}

// Top returns the frame that was pushed last, if no Pop followed; otherwise nil.
// A frame freed twice in a row is found there.
func (l *List) Top() unsafe.Pointer {
	if l.top <= noTop {
		return nil
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&l.top))
}

func (l *List) setLen(n uint32) {
	if race.Enabled {
		atomic.StoreUint32(&l.n, n)
		return
	}
	l.n = n
}

func (l *List) setTop(top uintptr) {
	if race.Enabled {
		atomic.StoreUintptr(&l.top, top)
		return
	}
	l.top = top
}

// Len returns the number of frames in the list. Any goroutine may ask; only
// while the owner is at rest is the answer more than a moment old.
func (l *List) Len() int {
	n := int(atomic.LoadUint32(&l.n))
	if atomic.LoadUintptr(&l.top) > noTop {
		n++
	}
	return n
}

// Open gives the list room for limit frames, at most ListCap; 0 closes it. The
// list must be empty.
func (l *List) Open(limit int) {
	if l.Len() != 0 || limit < 0 || limit > ListCap {
		panic("bins: Open of a list that is not empty, or with a limit that does not fit")
	}
	if limit == 0 {
		l.limit = 0
		l.setTop(closedTop)
		return
	}
	l.limit = uint32(limit - 1)
	l.setTop(noTop)
}

// Fill moves all of b's frames into the list, which must be empty and open, and
// leaves b empty.
func (l *List) Fill(b *Batch) {
	if l.Len() != 0 || b.n > l.limit+1 || l.top == closedTop {
		panic("bins: Fill of a list that has no room")
	}
	b.SetCold(false)
	if b.n == 0 {
		return
	}
	l.setTop(b.slots[b.n-1])
	copyWords(l.slots[:b.n-1], b.slots[:b.n-1])
	l.setLen(b.n - 1)
	b.setLen(0)
}

// Drain moves up to limit of the list's frames, at most BatchCap, to the empty
// batch b, the newest of them. But the frame freed last, if no Pop followed, only
// if it is the only one, so that the owner goes on with a warm frame.
func (l *List) Drain(b *Batch, limit int) {
	if l.n == 0 && l.top > noTop && limit > 0 {
		store(&b.slots[0], l.top)
		b.setLen(1)
		l.setTop(noTop)
		return
	}
	n := min(l.n, uint32(max(limit, 0)), BatchCap)
	copyWords(b.slots[:n], l.slots[l.n-n:l.n])
	b.setLen(n)
	l.setLen(l.n - n)
}

// Frames calls yield with each frame in the list until it returns false. Only the
// owner may call it.
func (l *List) Frames(yield func(unsafe.Pointer) bool) {
	for i := range l.slots[:l.n] {
		if !yield(*(*unsafe.Pointer)(unsafe.Pointer(&l.slots[i]))) {
			return
		}
	}
	if p := l.Top(); p != nil {
		yield(p)
	}
}
