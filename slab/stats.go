package slab

// Stats are a Store's figures, all of the same moment.
type Stats struct {
	Reserved   uintptr // address space of the regions, in bytes
	Slabs      int     // slabs in use
	SlabBytes  uintptr // their size, in bytes
	FreeSlabs  int     // slabs that were used and returned, and are not in use now
	Large      int     // mappings of Store.Map
	LargeBytes uintptr // their size in whole pages, in bytes
	HandedBack uint64  // bytes given back to the system since NewStore
	Refusals   uint64  // requests that the system refused since NewStore
}

// Stats returns the store's figures. Any goroutine may call it.
func (s *Store[D]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}
