package slab

// Stats are a Store's figures, all of one moment.
type Stats struct {
	Reserved   uintptr // address space of the regions, in bytes
	Slabs      int     // slabs in use
	SlabBytes  uintptr // their size
	FreeSlabs  int     // slabs that were used and returned
	Large      int     // mappings
	LargeBytes uintptr // their size, in whole pages
	HandedBack uint64  // bytes given back to the system since NewStore
	Refusals   uint64  // requests that the system refused since NewStore
}

// Stats returns the store's figures.
func (s *Store[D]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
