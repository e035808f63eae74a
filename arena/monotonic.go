package arena

import (
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// Monotonic is a FrameAllocator for many frames that die together. It cuts frames one after
// the other from blocks that it allocates from another allocator, and frees all blocks at
// once, in [Monotonic.Release]. It belongs to one goroutine at a time, as a [Cache] does.
//
// Sizes are rounded up to multiples of 16 bytes, the alignment of the frames, and not to
// classes: frames of all sizes share a block. A frame that does not fit into a block gets a
// block of its own.
type Monotonic struct {
	// at is the address of the first free byte of the current block, and end the address
	// behind the block. Both are 0 before the first block. at lies behind the block's
	// header, so a frame that ends at at is the last one of this block, and not one of
	// another block that happens to lie below it.
	//
	// These and the links are integers, because they may outlive the blocks, if the other
	// allocator is closed first. As pointers they could then point to unrelated memory,
	// which the collector would look at.
	at, end uintptr

	live int // live frames

	// ---- cold

	next      FrameAllocator // never changes
	blockSize uintptr        // never changes

	// blocks is a linked list of the blocks that frames are cut from, newest first; the
	// first is the current one. large is a list of the blocks that have one frame each.
	blocks, large uintptr

	nblocks int     // blocks in both lists
	bytes   uintptr // their size
	refused uint64  // requests answered with nil
}

// monotonicBlock is the header of a block. It lies in the other allocator's memory, so the
// link is an integer.
type monotonicBlock struct {
	older uintptr // address of the next block of the list, or 0
	size  uintptr // of the block, in bytes
}

const (
	monotonicAlign   = 16
	monotonicHeader  = 16
	monotonicDefault = bins.MaxSize
)

// The header does not overlap the first frame, which is aligned to 16 bytes.
var _ [monotonicHeader - unsafe.Sizeof(monotonicBlock{})]struct{}

// NewMonotonic returns a Monotonic that allocates blocks of blockSize bytes from next: 64
// KiB if blockSize is 0, and at least 128 bytes. A block has a header of 16 bytes. An arena
// rounds the sizes of blocks up as those of frames, so powers of two up to 64 KiB waste
// nothing.
//
// NewMonotonic allocates no block yet. It panics if next is nil. If next refuses a block of
// blockSize bytes, so does the Monotonic every frame that would need one.
func NewMonotonic(next FrameAllocator, blockSize uintptr) *Monotonic {
	if isNone(next) {
		panic("arena: NewMonotonic without an allocator: pass the one that the blocks come from")
	}
	if blockSize == 0 {
		blockSize = monotonicDefault
	}
	return &Monotonic{next: next, blockSize: max(blockSize, bins.MinSize) &^ (monotonicAlign - 1)}
}

// Allocate returns memory for a frame of size bytes, aligned to 16 bytes. It returns nil if
// it needs a new block and the other allocator refuses it. Only the owner may call it.
//
// Cost of the fast path: 3 loads, 2 stores, 1 branch.
func (m *Monotonic) Allocate(size uintptr) unsafe.Pointer {
	// n is 0 if size is 0 or rounding wrapped around. Then n-1 is larger than any block.
	n := (size + (monotonicAlign - 1)) &^ (monotonicAlign - 1)
	if n-1 < m.end-m.at {
		p := *(*unsafe.Pointer)(unsafe.Pointer(&m.at))
		m.at += n
		m.live++
		return p
	}
	return m.allocateSlow(size)
}

// Deallocate counts the frame as freed. Usually its memory is free only after
// [Monotonic.Release]. There are two exceptions, which cost a comparison each. The bytes of
// the frame that was allocated last are free in its block at once, so that frames which are
// freed in the reverse order of their allocation take no more memory than was live at a
// time. And the newest block of a frame that has one to itself is freed to the other
// allocator at once. size is the size that Allocate was called with.
//
// A nil p is ignored. Otherwise Deallocate panics if no frame is live. Only the owner may
// call it.
func (m *Monotonic) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
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

// MonotonicStats are the figures of a [Monotonic].
type MonotonicStats struct {
	Live    int     // live frames
	Blocks  int     // blocks allocated from the other allocator and not freed
	Bytes   uintptr // their size, as it was asked for
	Refused uint64  // requests answered with nil since NewMonotonic
}

// Live returns the number of live frames: those that were allocated and neither deallocated
// nor released. Only the owner may call it.
func (m *Monotonic) Live() int { return m.live }

// Stats returns the figures. Only the owner may call it.
func (m *Monotonic) Stats() MonotonicStats {
	return MonotonicStats{Live: m.live, Blocks: m.nblocks, Bytes: m.bytes, Refused: m.refused}
}

// Release frees all blocks to the other allocator, and so all frames, also live ones. These
// must be neither used nor deallocated afterwards, and a task whose frame is one of them
// must have ended. A program that expects no live frames checks [Monotonic.Live] first.
//
// The Monotonic may be used again afterwards. Without Release its blocks stay live in the
// other allocator. An allocator in front of the Monotonic that counts frames, such as a
// [Counting], is not informed of Release and still counts them as live. Only the owner may
// call Release.
func (m *Monotonic) Release() {
	m.at, m.end, m.live = 0, 0, 0
	for m.blocks != 0 {
		m.blocks = m.giveBack(m.blocks)
	}
	for m.large != 0 {
		m.large = m.giveBack(m.large)
	}
}

// allocateSlow is Allocate for size 0 and for frames that do not fit into the current
// block.
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

// addBlock allocates a block of size bytes, puts it in front of list and returns its first
// frame, which it counts as live. It returns nil if the other allocator refuses.
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

// giveBack frees the block at the given address to the other allocator and returns the
// address of the next block in its list.
func (m *Monotonic) giveBack(at uintptr) (older uintptr) {
	// The address is loaded as a pointer and not converted, as in bins.List.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
	b := *(*monotonicBlock)(p)
	m.nblocks--
	m.bytes -= b.size
	m.next.Deallocate(p, b.size)
	return b.older
}
