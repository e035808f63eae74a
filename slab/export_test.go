package slab

import (
	"cmp"
	"slices"
	"unsafe"
)

// Prefault backs memory without a Store.
var Prefault = prefault

// Span is where a region lies.
type Span struct {
	Base  uintptr
	Slabs uintptr
}

// Regions returns where the regions lie, in the order of their addresses.
func (s *Store[D]) Regions() []Span {
	var spans []Span
	for _, r := range *s.regions.Load() {
		spans = append(spans, Span{Base: uintptr(r.base), Slabs: uintptr(len(r.slabs))})
	}
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.Base, b.Base) })
	return spans
}

// HideRegion makes a gap where the i-th region is, until show is called.
func (s *Store[D]) HideRegion(i int) (show func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.regions.Load()
	fewer := slices.Delete(slices.Clone(*all), i, i+1)
	s.regions.Store(&fewer)
	return func() { s.regions.Store(all) }
}

// SpoilMapping makes the store remember the mapping at p at an address that the
// system does not release, until mend is called.
func (s *Store[D]) SpoilMapping(p unsafe.Pointer) (mend func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	right := s.large[uintptr(p)]
	wrong := right
	wrong.base = unsafe.Add(p, 1)
	s.large[uintptr(p)] = wrong
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.large[uintptr(p)] = right
	}
}
