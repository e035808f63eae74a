package slab

import (
	"cmp"
	"slices"
	"unsafe"
)

// Why Find needs no lock.
//
// Any goroutine may call Find while others acquire slabs. Three things make that safe:
//
//   - Store.regions points to a slice that is never changed in place. The holder of
//     Store.mu builds a new slice with one region more and stores the pointer. So Find
//     searches a sorted slice that does not change.
//   - A region is in the slice before the first of its slabs is handed out: Acquire does
//     both with mu held, in this order. A goroutine that has an address inside a slab got
//     it, directly or through others, from that Acquire, so it loads this slice or a later
//     one.
//   - Find reads base and len(slabs) only, which never change. Everything else in a slab
//     belongs to its user or is guarded by mu.
//
// A goroutine that asks for an address that is not its own may see an older slice; then
// Find returns nil for a region that has just been added. Close replaces the slice by an
// empty one.
//
// TestFindWhileOthersAcquire shows it.

// region is address space that was reserved in one piece. Its fields never change, except
// for taken.
type region[D any] struct {
	memory
	slabs []Slab[D]
	taken int // slabs[:taken] were handed out at least once; guarded by the store's mu
}

// Find returns the slab that the address p lies in, in use or not. It returns nil if p is
// in none of the store's slabs. Any goroutine may call it; it takes no lock.
func (s *Store[D]) Find(p unsafe.Pointer) *Slab[D] {
	regions := *s.regions.Load()
	at := uintptr(p)
	// Binary search for the last region that begins at or below p.
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

// addRegion reserves a region, from which fresh slabs are taken from then on. If the system
// refuses, addRegion asks for half as many slabs, down to one. The caller holds mu.
func (s *Store[D]) addRegion() error {
	// A size above MaxMapping would overflow when it is rounded up.
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

// insert adds a region of n slabs that lie in m. The caller holds mu.
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
