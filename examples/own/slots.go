package main

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// slots is a FrameAllocator with a fixed number of frames of one size: the slots of one
// block. A program that must not take more memory than it has at its start has it then.
// Any number of goroutines may use it.
type slots struct {
	next  arena.FrameAllocator // has the block
	block unsafe.Pointer
	size  uintptr // of a slot
	n     int

	mu   sync.Mutex       // guards what follows
	free []unsafe.Pointer // slots; the last one was used last, and is warm
}

// newSlots returns n slots of size bytes, in a block of another allocator.
func newSlots(next arena.FrameAllocator, size uintptr, n int) (*slots, error) {
	size = (size + 15) &^ 15 // frames are aligned to 16 bytes
	s := &slots{next: next, block: next.Allocate(size * uintptr(n)), size: size, n: n}
	if s.block == nil {
		return nil, arena.ErrExhausted
	}
	for i := range n {
		s.free = append(s.free, unsafe.Add(s.block, size*uintptr(i)))
	}
	return s, nil
}

// Allocate returns a slot, or nil if none is left or size is more than that of a slot.
func (s *slots) Allocate(size uintptr) unsafe.Pointer {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := len(s.free) - 1
	if last < 0 || size > s.size {
		return nil
	}
	p := s.free[last]
	s.free = s.free[:last]
	return p
}

// Deallocate takes a slot back.
func (s *slots) Deallocate(p unsafe.Pointer, size uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, p)
}

// Live returns how many slots are out.
func (s *slots) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n - len(s.free)
}

// Close gives the block back, unless a slot is out.
func (s *slots) Close() error {
	if live := s.Live(); live > 0 {
		return fmt.Errorf("%w: %d of %d slots", arena.ErrLeak, live, s.n)
	}
	s.next.Deallocate(s.block, s.size*uintptr(s.n))
	s.free, s.n = nil, 0 // so that nothing is allocated any more
	return nil
}
