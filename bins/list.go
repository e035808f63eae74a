package bins

import (
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/race"
)

// ListCap is the number of frames that a List has room for, a little more than two full
// batches. So the list is about half full both after a batch was published and after one
// was taken in: the owner can then free or allocate a batch of frames before it has to move
// the next one.
const ListCap = 1 + listSlots

const (
	listSlots = 126
	wordBytes = unsafe.Sizeof(uintptr(0))
)

// The shape of a list, and why its words are plain.
//
// The frame freed last is in top, all others are in slots[:n]. Most frames are allocated
// right after another one was freed. Such a pair touches top alone: a count that goes down
// and up again in memory would be a chain of four dependent accesses.
//
// Between two calls of the owner these hold:
//
//	Len = n + 1 if top is a frame, otherwise n
//	n ≤ limit, in a closed list n = limit = 0 and top = closedTop
//	each frame is in the list once, and top was freed after all of slots[:n]
//
// The owner alone writes, and ownership passes from one goroutine to another by other
// means, which order the two. Other goroutines load n and top, and through Peek the slots,
// with atomic loads, for figures and pictures. The owner's stores are plain, because the
// fast paths consist of little else. Such a load still returns a value that was stored:
// Go's memory model lets no race tear a word. Nothing else is concluded from it: no frame
// is used because a reader has seen its address, and no order between two of these words is
// relied on. Under the race detector, which would report the pair, the stores are atomic;
// see store in peek.go, which is written out here where a call would cost Push its
// inlining.
//
// TestLenWhileTheOwnerWorks shows it under -race, TestListAgainstModel the three lines above.

// List is the private stack of free frames of one class. It belongs to one owner at a time.
// Only the owner may call its methods, except for Len and Peek, which any goroutine may
// call. The zero List is closed: it is empty and has no room until [List.Open].
//
// The frame that was freed last is handed out next, while its cache lines are warm.
type List struct {
	// top is the address of the frame freed last, or noTop once that frame is allocated
	// again. In a closed list it is closedTop. Written by the owner.
	top uintptr

	// n is the number of frames in slots[:n]. Written by the owner.
	n uint32

	// limit is how many slots may be in use, at most listSlots. It is 0 in a closed list:
	// then every Pop and Push fails, so that the fast paths need no check of their own for
	// closed lists; the callers' slow paths find out. Written by Open.
	limit uint32

	// slots hold addresses as integers, so that a store runs no write barrier. They do not
	// keep frames alive: slabs do. Written by the owner.
	slots [listSlots]uintptr
}

// Values of top that are no address. Addresses are larger.
const (
	closedTop = iota // the list is closed, as the zero List is
	noTop            // the frame freed last was allocated again
)

// On 64-bit machines a list is 1 KiB, so that the address of one in an array is computed
// with a shift.
var _ [(1024 - unsafe.Sizeof(List{})) * (wordBytes / 8)]struct{}

// slot returns &l.slots[i] without a bounds check. i must be less than listSlots, which
// callers on the fast path know already: i < limit ≤ listSlots. The check would cost them a
// comparison and a branch.
func (l *List) slot(i uint32) *uintptr {
	return (*uintptr)(unsafe.Add(unsafe.Pointer(&l.slots), uintptr(i)*wordBytes))
}

// Pop removes the frame that was pushed last and returns it, or nil if the list is empty.
// Cost after a Push: 1 load, 1 store, 1 branch; otherwise 3 loads, 1 store, 2 branches.
func (l *List) Pop() unsafe.Pointer {
	// The address is loaded as a pointer. vet takes a conversion from an integer for a
	// mistake.
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

// Push adds a frame. It reports false, and does nothing, if there is no room, or if p is
// already the frame that was freed last (see Top). p must not be nil: that is not checked,
// and closes the list. Cost after a Pop: 1 load, 1 store, 1
// branch; otherwise 3 loads, 3 stores, 2 branches.
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

// Top returns the frame that was pushed last, or nil if a Pop followed. After a Push that
// failed, the caller compares: if Top is the frame, it was freed twice in a row.
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

// Len returns the number of frames in the list. Any goroutine may call it. It is exact
// while the owner is at rest, and a moment old otherwise.
func (l *List) Len() int {
	n := int(atomic.LoadUint32(&l.n))
	if atomic.LoadUintptr(&l.top) > noTop {
		n++
	}
	return n
}

// Open gives the list room for limit frames, from 1 to ListCap; 0 closes the list. It
// panics if the list is not empty or limit is out of range.
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

// Fill moves all frames of b into the list, and leaves b empty and not cold. It panics
// unless the list is open and empty and has room for them. The caller must own b, too.
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

// Drain moves up to limit frames of the list, and at most BatchCap, to the empty batch b.
// It takes the newest of slots. The frame in top stays with the owner, because it is warm,
// unless it is the only one. The caller must own b, too.
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

// Frames is an iterator over the frames in the list. Only the owner may call it.
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
