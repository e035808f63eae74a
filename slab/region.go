package slab

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unsafe"
)

// Find returns the slab that the address p lies in, whether in use or not; nil if
// it is not in one of the store's slabs. It takes no lock.
func (s *Store[D]) Find(p unsafe.Pointer) *Slab[D] {
	regions := *s.regions.Load()
	at := uintptr(p)
	// The last region that begins at or below p.
	low, high := 0, len(regions)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if uintptr(regions[middle].base) <= at {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == 0 {
		return nil
	}
	r := regions[low-1]
	i := (at - uintptr(r.base)) / Size
	if i >= uintptr(len(r.slabs)) {
		return nil
	}
	return &r.slabs[i]
}

// addRegion reserves a region, or as much of one as the system gives, but at least
// a slab, and makes it the one that fresh slabs are taken from. The caller holds
// mu.
func (s *Store[D]) addRegion() error {
	// More than the system can have would wrap around when rounded.
	bytes := max(min(s.config.RegionBytes, MaxMapping), Size)
	n := (bytes + Size - 1) / Size
	for {
		m, err := s.reserve(n*Size, Size)
		if err == nil {
			s.insert(m, n)
			return nil
		}
		if n == 1 {
			return err
		}
		n /= 2
	}
}

func (s *Store[D]) insert(m memory, n uintptr) {
	if s.config.HugePages {
		adviseHuge(m.base, m.size)
	}
	r := &region[D]{memory: m, slabs: make([]Slab[D], n)}
	for i := range r.slabs {
		r.slabs[i].base = unsafe.Add(m.base, i*Size)
	}
	old := *s.regions.Load()
	at, _ := slices.BinarySearchFunc(old, r, func(a, b *region[D]) int {
		return cmp.Compare(uintptr(a.base), uintptr(b.base))
	})
	regions := slices.Insert(slices.Clone(old), at, r)
	s.regions.Store(&regions)
	s.fresh = r
	s.stats.Reserved += m.size
}

// reserve asks the system for size bytes, aligned to align. The caller holds mu.
func (s *Store[D]) reserve(size, align uintptr) (memory, error) {
	if s.config.BeforeMap != nil {
		if err := s.config.BeforeMap(size); err != nil {
			return memory{}, s.refused(size, err)
		}
	}
	m, err := reserveMemory(size, align)
	if err != nil {
		return memory{}, s.refused(size, err)
	}
	return m, nil
}

// refused counts a refusal and returns its error. The caller holds mu.
func (s *Store[D]) refused(size uintptr, err error) error {
	s.stats.Refusals++
	return fmt.Errorf("%w: %d bytes: %w", ErrRefused, size, err)
}

// unmapAll gives all memory back. The caller holds mu.
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
