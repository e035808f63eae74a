package slab

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Size is the size and the alignment of a slab, in bytes: that of a huge page on amd64 and
// arm64.
const Size = 2 << 20

// Config says how a Store gets memory. The zero Config is a good choice.
type Config struct {
	// RegionBytes is how much address space is reserved at a time, in bytes. It is rounded
	// up to whole slabs. 0 means 64 MiB, or 16 MiB on 32-bit machines. If memory comes from
	// the Go heap, where reserved memory is real memory, 0 means 8 MiB.
	RegionBytes uintptr

	// HugePages asks the system to back slabs with huge pages, where it can.
	HugePages bool

	// Prefault makes the system back a slab with memory when the slab is acquired, instead
	// of page by page when it is first written.
	Prefault bool

	// BeforeMap, if not nil, is called before the system is asked for memory, with the
	// store's lock held. An error stands for the system's refusal. It is for tests.
	BeforeMap func(bytes uintptr) error
}

// Slab is Size bytes of memory, aligned to Size, and their descriptor. It belongs to the
// caller of Acquire until Return, and to the Store otherwise.
type Slab[D any] struct {
	// Desc is the descriptor. It belongs to the slab's user, and is zero when the slab is
	// acquired.
	Desc D

	base  unsafe.Pointer // never changes
	inUse bool           // guarded by the store's mu

	// dirty says that the slab was returned and its pages still hold old contents. Guarded
	// by the store's mu.
	dirty bool
}

// Base returns the address of the slab's first byte.
func (s *Slab[D]) Base() unsafe.Pointer { return s.base }

// Store hands out slabs and large mappings. D is the type of the slabs' descriptors. All
// its methods may be called by any goroutine.
type Store[D any] struct {
	config Config // never changes

	// regions are sorted by address. The holder of mu replaces the slice and never changes
	// it in place, so that Find reads it without a lock. See region.go.
	regions atomic.Pointer[[]*region[D]]

	mu       sync.Mutex // guards what follows
	closed   bool
	fresh    *region[D]         // slabs that were never used are taken from here
	returned []*Slab[D]         // not in use; the newest is handed out first
	large    map[uintptr]memory // mappings of Map, by address
	stats    Stats
}

// NewStore returns a Store, which takes no memory before the first request.
func NewStore[D any](c Config) *Store[D] {
	if c.RegionBytes == 0 {
		c.RegionBytes = defaultRegion
	}
	s := &Store[D]{config: c, large: make(map[uintptr]memory)}
	s.regions.Store(new([]*region[D]))
	return s
}

// Acquire returns a slab, which is the caller's until Return. Its memory is zero. The error
// is ErrClosed or wraps ErrRefused. Any goroutine may call it.
func (s *Store[D]) Acquire() (*Slab[D], error) {
	sl, err := s.acquire()
	return sl, refusal(Size, err)
}

// TryAcquire is Acquire without an error: it returns nil if the system refuses, or if the
// store is closed. A refusal allocates nothing on the Go heap, so a program that has no
// memory left may ask any number of times. Any goroutine may call it.
func (s *Store[D]) TryAcquire() *Slab[D] {
	sl, _ := s.acquire()
	return sl
}

// acquire is Acquire with the bare error of the system.
func (s *Store[D]) acquire() (*Slab[D], error) {
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
			_ = s.takeBack(sl) // some pages may be backed already; the caller needs the refusal, not this error
			s.stats.Refusals++
			return nil, err
		}
	}
	sl.inUse = true
	s.stats.Slabs++
	s.stats.SlabBytes += Size
	return sl, nil
}

// unused removes a slab that is not in use from the store's lists. It prefers one that was
// used before, because that needs no more address space. The caller holds mu.
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

// Return takes a slab back, zeroes its descriptor and gives its pages back to the system.
// The error is ErrClosed, or wraps the system's error if the system did not take the pages;
// in the latter case the slab is returned nevertheless, and cleared before it is used
// again. Return panics if the slab is not in use.
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

// takeBack adds a slab that is not in use to the returned ones and gives its pages back to
// the system. The caller holds mu.
func (s *Store[D]) takeBack(sl *Slab[D]) error {
	s.stats.FreeSlabs++
	s.returned = append(s.returned, sl)
	err := s.discard(sl.base, Size)
	sl.dirty = FromHeap || err != nil
	return err
}

// Discard gives the whole pages in the n bytes at p back to the system. The bytes must lie
// in one slab that is in use. The pages read as zero afterwards; on the Go heap nothing
// changes. Pages that the n bytes cover only in part keep their contents. The error is
// ErrClosed, wraps ErrUnknown, or wraps the system's error.
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

// discard gives the n bytes at p, which are whole pages, back to the system. The caller
// holds mu.
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

// Slabs is an iterator over the slabs in use, in the order of their addresses: for sl :=
// range store.Slabs. It lists them once, at its beginning: a slab that is acquired during
// the loop is missing, and one that is returned during the loop is still visited. The loop
// body runs without the store's lock.
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

// Close gives all memory back to the system. Memory that the Store handed out must not be
// used afterwards. The error joins those of the system; everything else is given back
// nevertheless. Closing again returns nil.
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

// unmapAll gives all regions and mappings back. The caller holds mu.
func (s *Store[D]) unmapAll() error {
	var errs []error
	giveBack := func(m memory, pages uint64) {
		if err := m.release(); err != nil {
			errs = append(errs, fmt.Errorf("slab: giving back %d bytes at %p: %w", m.size, m.base, err))
			return
		}
		s.stats.HandedBack += pages
	}
	for _, r := range *s.regions.Load() {
		pages := uint64(0)
		for i := range r.slabs[:r.taken] {
			if r.slabs[i].inUse || r.slabs[i].dirty {
				pages += Size
			}
		}
		giveBack(r.memory, pages)
	}
	for _, m := range s.large {
		giveBack(m, uint64(m.size))
	}
	return errors.Join(errs...)
}

// reserve asks the system for size bytes of address space, aligned to align. It counts a
// refusal, and returns the bare error of the system. The caller holds mu.
func (s *Store[D]) reserve(size, align uintptr) (m memory, err error) {
	if s.config.BeforeMap != nil {
		err = s.config.BeforeMap(size)
	}
	if err == nil {
		m, err = reserveMemory(size, align)
	}
	if err != nil {
		s.stats.Refusals++
		return memory{}, err
	}
	return m, nil
}

// refusal returns the error for a request of size bytes that the system refused with err. It
// returns nil and ErrClosed as they are.
func refusal(size uintptr, err error) error {
	if err == nil || err == ErrClosed {
		return err
	}
	return fmt.Errorf("%w: %d bytes: %w", ErrRefused, size, err)
}
