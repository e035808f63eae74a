package main

import (
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// pooledFrames is a FrameAllocator that recycles frames of the Go heap through a
// sync.Pool for each class: what a Go programmer would write in place of an
// arena. Any number of goroutines may use it. It has no frames over 64 KiB.
//
// The pools keep the free blocks reachable. Live frames refer to each other by integers,
// which the collector does not follow: it would free a frame while its task is suspended.
// So the live blocks must be kept reachable too. They are in a linked list, whose lock is
// part of the cost.
type pooledFrames struct {
	free [bins.Classes]sync.Pool // of *pooledBlock

	mu    sync.Mutex // guards what follows, and the links of live blocks
	first *pooledBlock
	count int // how many blocks are live
}

// pooledBlock is an element of a pool: a frame, and its links in the list of live
// blocks. The frame is an object of its own: in one object with the links, the collector
// would scan it for pointers.
type pooledBlock struct {
	previous, next *pooledBlock // while the block is live; guarded by mu

	// memory is a pooledHeader and the frame.
	memory []byte
}

// pooledHeader lies in front of each frame. It keeps frames aligned to 16 bytes.
type pooledHeader struct {
	// block is the address of the pooledBlock. It is an integer because the collector
	// takes this memory for memory without pointers. It never changes, and is used only
	// while the block is live, which keeps the block reachable.
	block uintptr
	_     [16 - unsafe.Sizeof(uintptr(0))]byte
}

const pooledHeaderSize = unsafe.Sizeof(pooledHeader{})

var _ arena.FrameAllocator = (*pooledFrames)(nil)

func newPooledFrames() *pooledFrames {
	p := new(pooledFrames)
	for k := range bins.Class(bins.Classes) {
		p.free[k].New = func() any { return newPooledBlock(k) }
	}
	return p
}

func newPooledBlock(k bins.Class) *pooledBlock {
	b := &pooledBlock{memory: make([]byte, pooledHeaderSize+k.Size())}
	header := (*pooledHeader)(unsafe.Pointer(unsafe.SliceData(b.memory)))
	header.block = uintptr(unsafe.Pointer(b))
	return b
}

// Allocate returns a frame of size bytes, or nil if no class fits.
func (p *pooledFrames) Allocate(size uintptr) unsafe.Pointer {
	k := bins.ClassOf(max(size, 1))
	if k >= bins.Classes {
		return nil
	}
	b := p.free[k].Get().(*pooledBlock)
	p.mu.Lock()
	b.next = p.first
	if b.next != nil {
		b.next.previous = b
	}
	p.first = b
	p.count++
	p.mu.Unlock()
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(b.memory)), pooledHeaderSize)
}

// Deallocate gives a frame back to the pool of its class. A nil frame is ignored.
func (p *pooledFrames) Deallocate(frame unsafe.Pointer, size uintptr) {
	if frame == nil {
		return
	}
	header := (*pooledHeader)(unsafe.Add(frame, -int(pooledHeaderSize)))
	b := *(**pooledBlock)(unsafe.Pointer(&header.block))
	p.mu.Lock()
	if b.previous == nil {
		p.first = b.next
	} else {
		b.previous.next = b.next
	}
	if b.next != nil {
		b.next.previous = b.previous
	}
	p.count--
	p.mu.Unlock()
	b.previous, b.next = nil, nil
	p.free[bins.ClassOf(max(size, 1))].Put(b)
}

// live returns the number of live frames.
func (p *pooledFrames) live() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}
