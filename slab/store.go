package slab

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Size is the size and the alignment of a slab, in bytes: that of a huge page on
// amd64 and arm64.
const Size = 2 << 20

// Config says how a Store gets memory. The zero Config is a good one.
type Config struct {
	// RegionBytes is how much address space is reserved at a time, in bytes;
	// rounded up to whole slabs. 0 means 64 MiB, on 32-bit machines 16 MiB and on
	// the Go heap, where address space and memory are the same, 8 MiB.
	RegionBytes uintptr

	// HugePages asks the system to back slabs with huge pages, where it can.
	HugePages bool

	// Prefault makes the system back a slab with memory when it is acquired, not
	// page by page when it is first written.
	Prefault bool

	// BeforeMap, if not nil, is called before the system is asked for memory; an
	// error stands for the system's refusal. It is for tests.
	BeforeMap func(bytes uintptr) error
}

// Slab is Size bytes of memory and what its user keeps about them. It belongs to
// the Store until Acquire and to the caller until Return.
type Slab[D any] struct {
	// Desc is the user's. It is zero when the slab is acquired.
	Desc D

	base  unsafe.Pointer // never changes
	inUse bool           // guarded by the store's mu

	// dirty: the slab was returned, but not its pages. Guarded by the store's mu.
	dirty bool
}

// Base returns the address of the slab's first byte.
func (s *Slab[D]) Base() unsafe.Pointer { return s.base }

// Store hands out slabs and large mappings. D is the type of the slabs'
// descriptors. Any goroutine may use a Store.
type Store[D any] struct {
	config Config

	// regions are sorted by address. The slice is replaced, never changed, by the
	// holder of mu; Find reads it without.
	regions atomic.Pointer[[]*region[D]]

	mu       sync.Mutex // guards what follows
	closed   bool
	fresh    *region[D] // where slabs that were never used are taken from
	returned []*Slab[D] // given back by their users, without pages
	large    map[uintptr]memory
	stats    Stats
}

// region is address space that was reserved in one piece. Only taken changes.
type region[D any] struct {
	memory
	slabs []Slab[D]
	taken int // slabs[:taken] were handed out at least once; guarded by the store's mu
}

// NewStore returns a Store that has no memory yet.
func NewStore[D any](c Config) *Store[D] {
	if c.RegionBytes == 0 {
		c.RegionBytes = defaultRegion
	}
	s := &Store[D]{config: c, large: make(map[uintptr]memory)}
	s.regions.Store(new([]*region[D]))
	return s
}

// Acquire returns a slab that is the caller's until Return. Its pages are zero.
// The error is ErrClosed or wraps ErrRefused.
func (s *Store[D]) Acquire() (*Slab[D], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	sl, err := s.unused()
	if err != nil {
		return nil, err
	}
	if sl.dirty {
		clear(unsafe.Slice((*byte)(sl.base), Size))
		sl.dirty = false
	}
	if s.config.Prefault {
		if err := prefault(sl.base, Size); err != nil {
			_ = s.takeBack(sl) // some of its pages may be there; the refusal is what the caller must know
			return nil, s.refused(Size, err)
		}
	}
	sl.inUse = true
	s.stats.Slabs++
	s.stats.SlabBytes += Size
	return sl, nil
}

// unused returns a slab that nobody uses: one that was used before, if there is
// one, since its address space costs nothing more. The caller holds mu.
func (s *Store[D]) unused() (*Slab[D], error) {
	if n := len(s.returned); n > 0 {
		sl := s.returned[n-1]
		s.returned = s.returned[:n-1]
		s.stats.FreeSlabs--
		return sl, nil
	}
	if s.fresh == nil || s.fresh.taken == len(s.fresh.slabs) {
		if err := s.addRegion(); err != nil {
			return nil, err
		}
	}
	sl := &s.fresh.slabs[s.fresh.taken]
	s.fresh.taken++
	return sl, nil
}

// Return takes back a slab, and its descriptor is zeroed. Its pages go back to
// the system; the error is ErrClosed or says that the system did not take them,
// and then the slab is returned all the same. Return panics if the slab is not in
// use.
func (s *Store[D]) Return(sl *Slab[D]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if sl == nil || s.Find(sl.base) != sl || !sl.inUse {
		panic("slab: Return of a slab that is not in use: returned twice, or another store's")
	}
	var none D
	sl.Desc, sl.inUse = none, false
	s.stats.Slabs--
	s.stats.SlabBytes -= Size
	return s.takeBack(sl)
}

// takeBack puts a slab that nobody uses where the next Acquire finds it, and its
// pages go back to the system. The caller holds mu.
func (s *Store[D]) takeBack(sl *Slab[D]) error {
	s.stats.FreeSlabs++
	s.returned = append(s.returned, sl)
	err := s.discard(sl.base, Size)
	sl.dirty = FromHeap || err != nil
	return err
}

// Discard gives the whole pages of [p, p+n), which lie in one slab in use, back to
// the system; their contents are lost. Bytes in pages that are not covered whole
// stay. The error is ErrClosed, wraps ErrUnknown, or is what the system said.
func (s *Store[D]) Discard(p unsafe.Pointer, n uintptr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	sl := s.Find(p)
	if sl == nil || !sl.inUse || n > Size || uintptr(p)-uintptr(sl.base)+n > Size {
		return fmt.Errorf("%w: discard of %d bytes at %p", ErrUnknown, n, p)
	}
	page := PageSize()
	skip := -uintptr(p) & (page - 1)
	if n < skip+page {
		return nil
	}
	return s.discard(unsafe.Add(p, skip), (n-skip)&^(page-1))
}

// discard gives whole pages back. The caller holds mu.
func (s *Store[D]) discard(p unsafe.Pointer, n uintptr) error {
	if FromHeap {
		return nil
	}
	if err := discardPages(p, n); err != nil {
		return fmt.Errorf("slab: giving back %d bytes at %p: %w", n, p, err)
	}
	s.stats.HandedBack += uint64(n)
	return nil
}

// Slabs calls yield with each slab in use, in the order of their addresses, until
// it returns false: for sl := range store.Slabs. Slabs that are acquired or
// returned meanwhile may be missed or met.
func (s *Store[D]) Slabs(yield func(*Slab[D]) bool) {
	s.mu.Lock()
	var all []*Slab[D]
	for _, r := range *s.regions.Load() {
		for i := range r.slabs[:r.taken] {
			if r.slabs[i].inUse {
				all = append(all, &r.slabs[i])
			}
		}
	}
	s.mu.Unlock()
	for _, sl := range all {
		if !yield(sl) {
			return
		}
	}
}

// Close gives everything back to the system. Memory that the Store handed out
// must not be used any more. Closing again returns nil.
func (s *Store[D]) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.unmapAll()
	s.fresh, s.returned, s.large = nil, nil, nil
	s.regions.Store(new([]*region[D]))
	handed, refusals := s.stats.HandedBack, s.stats.Refusals
	s.stats = Stats{HandedBack: handed, Refusals: refusals}
	return err
}
