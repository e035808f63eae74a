package arena

import (
	"sync"
	"unsafe"
)

// Heap is a FrameAllocator that allocates every frame on the Go heap: the baseline for
// measurements of other allocators, and a way to see frames in a heap profile. The zero
// Heap is ready for use. Any goroutine may use it.
//
// A Heap keeps its live frames reachable in a table, because frames refer to each other by
// addresses that the collector does not follow.
type Heap struct {
	mu   sync.Mutex
	live [][]byte // the memory of live frames; nil at free places
	free []int    // the free places in live
}

// heapHeader lies in front of each frame. Its size keeps frames aligned to 16 bytes.
// Guarded by the Heap's mu once the frame is in live.
type heapHeader struct {
	place int // index in live, plus 1; 0 once the frame is freed
	_     [16 - unsafe.Sizeof(int(0))]byte
}

const heapHeaderSize = unsafe.Sizeof(heapHeader{})

// maxHeapFrame is the size of the largest frame of a Heap, in bytes. Larger requests are
// refused, because the Go heap ends the process when it has no memory.
const maxHeapFrame = 1 << 30

// Allocate returns a new frame of size zeroed bytes, aligned to 16 bytes, or nil if size is
// over 1 GiB.
func (h *Heap) Allocate(size uintptr) unsafe.Pointer {
	if size > maxHeapFrame {
		return nil
	}
	mem := make([]byte, heapHeaderSize+(max(size, 1)+15)&^15)
	header := (*heapHeader)(unsafe.Pointer(unsafe.SliceData(mem)))
	h.mu.Lock()
	if n := len(h.free); n > 0 {
		header.place = h.free[n-1] + 1
		h.free = h.free[:n-1]
		h.live[header.place-1] = mem
	} else {
		h.live = append(h.live, mem)
		header.place = len(h.live)
	}
	h.mu.Unlock()
	return unsafe.Add(unsafe.Pointer(header), heapHeaderSize)
}

// Deallocate leaves the frame to the collector. A nil p is ignored. It panics if p is not a
// live frame of h.
func (h *Heap) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	header := (*heapHeader)(unsafe.Add(p, -int(heapHeaderSize)))
	h.mu.Lock()
	defer h.mu.Unlock()
	place := header.place - 1
	if place < 0 || place >= len(h.live) || unsafe.Pointer(unsafe.SliceData(h.live[place])) != unsafe.Pointer(header) {
		panic("arena: Heap.Deallocate of a frame that is not live: freed twice, or another allocator's")
	}
	header.place = 0
	h.live[place] = nil
	h.free = append(h.free, place)
}

// Live returns the number of live frames. Any goroutine may call it.
func (h *Heap) Live() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.live) - len(h.free)
}
