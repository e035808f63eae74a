package arena

import (
	"github.com/framearena/framearena/bins"
)

// Stats are an arena's figures. At rest, which means that no goroutine is inside one of the
// arena's methods, they are exact and, in each class and in total,
//
//	Carved = Live + Private + Public
//
// While others use the arena, the figures are not all of the same moment.
type Stats struct {
	Classes [bins.Classes]ClassStats // by class, from 128 B to 64 KiB
	Total   ClassStats               // the sum over the classes; Size is 0

	Large      int     // live frames over 64 KiB
	LargeBytes uintptr // their size in whole pages, in bytes

	MappedBytes     uintptr // slabs in use and large frames, which count against WithMaxBytes
	ReservedBytes   uintptr // address space taken from the system for slabs
	HandedBackBytes uint64  // bytes given back to the system since New
	Refusals        uint64  // requests answered with nil since New
}

// ClassStats are the figures of one class, in frames.
type ClassStats struct {
	Size    uintptr // of a frame, in bytes
	Slabs   int     // slabs that serve the class
	Carved  uint64  // frames that exist
	Live    uint64  // frames in use
	Private uint64  // free frames in private lists
	Public  uint64  // free frames in public stacks and, in checked mode, in quarantine
	Cold    uint64  // public frames whose memory Trim gave back
}

// Stats returns the arena's figures. Any goroutine may call it, at any time. It looks at
// every cache, and slows none. For a closed arena it returns only the figures that count
// since New.
func (a *Arena) Stats() Stats {
	if a.closed.Load() {
		return Stats{HandedBackBytes: a.store.Stats().HandedBack, Refusals: a.refusals.Load()}
	}
	var s Stats
	caches := *a.caches.Load()
	for k := range bins.Class(bins.Classes) {
		c := &s.Classes[k]
		c.Size = k.Size()
		// Free frames are counted before carved ones, so that a frame that is carved and
		// freed during the call is missing from Live instead of being counted twice. Free
		// frames that move between lists during the call may be counted twice; then Live
		// would be negative, and is 0.
		for _, cache := range caches {
			c.Private += uint64(cache.lists[k].Len())
			c.Public += uint64(cache.public[k].Frames())
		}
		c.Public += uint64(max(0, a.inTrim[k].Load()+a.quarantined[k].Load()))
		c.Cold = uint64(max(0, a.cold[k].Load()))
		a.central[k].mu.Lock()
		c.Carved, c.Slabs = a.central[k].carved, a.central[k].slabs
		a.central[k].mu.Unlock()
		if free := c.Private + c.Public; free < c.Carved {
			c.Live = c.Carved - free
		}
		s.Total.Slabs += c.Slabs
		s.Total.Carved += c.Carved
		s.Total.Live += c.Live
		s.Total.Private += c.Private
		s.Total.Public += c.Public
		s.Total.Cold += c.Cold
	}
	m := a.store.Stats()
	s.Large, s.LargeBytes = m.Large, m.LargeBytes
	s.MappedBytes = a.budget.used.Load()
	s.ReservedBytes = m.Reserved
	s.HandedBackBytes = m.HandedBack
	s.Refusals = a.refusals.Load()
	return s
}
