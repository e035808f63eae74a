package arena

import (
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// Allocate returns memory for a frame of size bytes, aligned to 16 bytes, or nil
// if it takes a new block and the other allocator refuses one.
//
// Cost of the fast path: 3 loads, 2 stores, 1 branch.
func (m *Monotonic) Allocate(size uintptr) unsafe.Pointer {
	// n is 0 if size is 0 or rounding wrapped around; then n-1 is more than any
	// block has.
	n := (size + (monotonicAlign - 1)) &^ (monotonicAlign - 1)
	if n-1 < m.end-m.at {
		p := *(*unsafe.Pointer)(unsafe.Pointer(&m.at))
		m.at += n
		m.live++
		return p
	}
	return m.allocateSlow(size)
}

// Deallocate counts the frame as freed. Its memory comes back with [Monotonic.Release],
// with two exceptions that cost a comparison each: the frame that was allocated
// last gives its bytes back to the block, so that frames which are freed in the
// reverse order of their allocation take no more than what was live at once; and
// the last of the blocks that frames have to themselves goes back to the other
// allocator. size is the size that was asked for.
//
// Deallocate panics if no frame is live.
func (m *Monotonic) Deallocate(p unsafe.Pointer, size uintptr) {
	if m.live == 0 {
		panic(fmt.Sprintf("arena: Monotonic.Deallocate of %p with size %d while no frame is live: "+
			"it was freed twice, or Release has freed it", p, size))
	}
	m.live--
	n := (max(size, 1) + (monotonicAlign - 1)) &^ (monotonicAlign - 1)
	if uintptr(p)+n == m.at {
		m.at = uintptr(p)
		return
	}
	if n > m.blockSize-monotonicHeader && uintptr(p) == m.large+monotonicHeader {
		m.large = m.giveBack(m.large)
	}
}

// Monotonic is a FrameAllocator for batches: it cuts frames one after the other
// from blocks that it takes from another allocator, and gives all of them back at
// once. It belongs to one goroutine at a time, as a [Cache] does.
//
// The other allocator gets to see blocks only, so frames of all sizes share them
// without rounding to classes: to multiples of 16 bytes, their alignment.
// Frames over a block's size get a block of their own.
type Monotonic struct {
	// at is the address of the first byte of the current block that no frame has,
	// and end that of the first byte behind the block. Both are 0 before the first
	// block. at lies behind the block's header, so a
	// frame that ends there is the last one of this block, and never one of a block
	// that happens to lie below it.
	//
	// These and the links are integers: they outlive the blocks if the other
	// allocator is closed first, and must not look like pointers to whatever the
	// collector finds there then.
	at, end uintptr

	live int

	// ---- cold

	next      FrameAllocator
	blockSize uintptr

	// blocks and large are linked lists, newest first: blocks that frames are cut
	// from, of which the first is the current one, and blocks of one frame.
	blocks, large uintptr

	nblocks int
	bytes   uintptr // of both lists
	refused uint64
}

// monotonicBlock is what a block begins with. It lies in the other allocator's
// memory, so the link is an integer.
type monotonicBlock struct {
	older uintptr // address of the next block of the list, or 0
	size  uintptr // of the block, in bytes
}

const (
	monotonicAlign   = 16
	monotonicHeader  = 16
	monotonicDefault = bins.MaxSize
)

// A header keeps what follows it aligned.
var _ [monotonicHeader - unsafe.Sizeof(monotonicBlock{})]struct{}

// NewMonotonic returns a Monotonic that takes blocks of blockSize bytes from
// next: 64 KiB if blockSize is 0, and never less than 128. A block has a header
// of 16 bytes. An arena rounds blocks up as it does frames, so powers of two up
// to 64 KiB waste nothing.
//
// NewMonotonic takes no memory yet. It panics if next is nil.
func NewMonotonic(next FrameAllocator, blockSize uintptr) *Monotonic {
	if next == nil {
		panic("arena: NewMonotonic without an allocator: pass the one that the blocks come from")
	}
	if blockSize == 0 {
		blockSize = monotonicDefault
	}
	return &Monotonic{next: next, blockSize: max(blockSize, bins.MinSize) &^ (monotonicAlign - 1)}
}

// MonotonicStats are the figures of a [Monotonic].
type MonotonicStats struct {
	Live    int     // live frames
	Blocks  int     // blocks taken from the other allocator and not given back
	Bytes   uintptr // their size, as it was asked for
	Refused uint64  // requests answered with nil since NewMonotonic
}

// Live returns the number of live frames: allocated, and neither deallocated nor
// released.
func (m *Monotonic) Live() int { return m.live }

// Stats returns the figures. Like every method, it is for the owner to call.
func (m *Monotonic) Stats() MonotonicStats {
	return MonotonicStats{Live: m.live, Blocks: m.nblocks, Bytes: m.bytes, Refused: m.refused}
}

// Release gives all blocks back to the other allocator. Frames that are still
// live die with them, which is what a Monotonic is for: they must be neither used
// nor deallocated afterwards, and a task that lives in one must have ended. Who
// expects none to be live asks [Monotonic.Live] first.
//
// The Monotonic is as new afterwards and may be used again. Without Release its
// blocks stay live in the other allocator. What counts frames in front of a
// Monotonic does not learn of Release, and takes them for live.
func (m *Monotonic) Release() {
	m.at, m.end, m.live = 0, 0, 0
	for m.blocks != 0 {
		m.blocks = m.giveBack(m.blocks)
	}
	for m.large != 0 {
		m.large = m.giveBack(m.large)
	}
}

func (m *Monotonic) allocateSlow(size uintptr) unsafe.Pointer {
	if size == 0 {
		return m.Allocate(1)
	}
	if size > ^uintptr(0)-monotonicAlign-monotonicHeader {
		m.refused++
		return nil
	}
	n := (size + (monotonicAlign - 1)) &^ (monotonicAlign - 1)
	if n > m.blockSize-monotonicHeader {
		return m.addBlock(&m.large, n+monotonicHeader)
	}
	p := m.addBlock(&m.blocks, m.blockSize)
	if p != nil {
		m.at, m.end = uintptr(p)+n, m.blocks+m.blockSize
	}
	return p
}

// addBlock takes a block of size bytes, puts it in front of list and returns the
// first frame in it, or nil if the other allocator refuses.
func (m *Monotonic) addBlock(list *uintptr, size uintptr) unsafe.Pointer {
	p := m.next.Allocate(size)
	if p == nil {
		m.refused++
		return nil
	}
	*(*monotonicBlock)(p) = monotonicBlock{older: *list, size: size}
	*list = uintptr(p)
	m.nblocks++
	m.bytes += size
	m.live++
	return unsafe.Add(p, monotonicHeader)
}

// giveBack gives the block at an address back to the other allocator and returns
// the address of the next block of its list.
func (m *Monotonic) giveBack(at uintptr) (older uintptr) {
	// The address is read back as a pointer, not converted, as in bins.List.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
	b := *(*monotonicBlock)(p)
	m.nblocks--
	m.bytes -= b.size
	m.next.Deallocate(p, b.size)
	return b.older
}
