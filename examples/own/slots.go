package main

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// slots is a FrameAllocator with a fixed number of frames of one size: the slots of one
// block. It suits a program that takes all of its memory at its start. Any number of
// goroutines may use it.
type slots struct {
	next  arena.FrameAllocator // owns the block
	block unsafe.Pointer
	size  uintptr // of a slot, in bytes
	n     int     // number of slots

	mu   sync.Mutex       // guards free
	free []unsafe.Pointer // the free slots; the last was used last, so it may be in a CPU cache
}

// newSlots returns n slots of size bytes, in a block of the allocator next. The error is
// arena.ErrExhausted if next has no memory for them.
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

// Allocate returns a slot. It returns nil if none is free, or if size is larger than a slot.
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

// Deallocate takes a slot back. A nil p is ignored.
func (s *slots) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, p)
}

// Live returns the number of slots in use.
func (s *slots) Live() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n - len(s.free)
}

// Close gives the block back. If a slot is in use, it does not, and returns an error that
// wraps arena.ErrLeak.
func (s *slots) Close() error {
	if live := s.Live(); live > 0 {
		return fmt.Errorf("%w: %d of %d slots", arena.ErrLeak, live, s.n)
	}
	s.next.Deallocate(s.block, s.size*uintptr(s.n))
	s.free, s.n = nil, 0 // from here on Allocate returns nil
	return nil
}
