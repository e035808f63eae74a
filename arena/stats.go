package arena

import (
	"github.com/framearena/framearena/bins"
)

// Stats are an arena's figures. At rest, that is while no goroutine is inside
// one of the arena's methods, they are exact and, in each class and in total,
//
//	Carved = Live + Private + Public
//
// While others use the arena each figure is one that was right a moment ago.
type Stats struct {
	Classes [bins.Classes]ClassStats // by class, from 128 B to 64 KiB
	Total   ClassStats               // the sum over the classes; Size is 0

	Large      int     // live frames over 64 KiB
	LargeBytes uintptr // their size in whole pages

	MappedBytes     uintptr // slabs in use and large frames: what counts against WithMaxBytes
	ReservedBytes   uintptr // address space taken from the system for slabs
	HandedBackBytes uint64  // given back to the system since New
	Refusals        uint64  // requests answered with nil since New
}

// ClassStats are the figures of one class, in frames.
type ClassStats struct {
	Size    uintptr // of a frame, in bytes
	Slabs   int     // slabs that serve the class
	Carved  uint64  // frames that exist
	Live    uint64  // frames that somebody uses
	Private uint64  // free frames in private lists
	Public  uint64  // free frames in public stacks and, in checked mode, in quarantine
	Cold    uint64  // of the public ones, those whose memory Trim gave back
}

// Stats returns the arena's figures. It looks at every cache, and slows none. Of a
// closed arena it knows only what it counted since New.
func (a *Arena) Stats() Stats {
	if a.gone.Load() {
		return Stats{HandedBackBytes: a.store.Stats().HandedBack, Refusals: a.refusals.Load()}
	}
	var s Stats
	caches := *a.caches.Load()
	for k := range bins.Class(bins.Classes) {
		c := &s.Classes[k]
		c.Size = k.Size()
		// What is free is counted first: a frame that is carved and freed
		// meanwhile is then missing from Live, and Live cannot fall below zero
		// except for frames that move between lists under the counter's eyes.
		for _, cache := range caches {
			c.Private += uint64(cache.lists[k].Len())
			c.Public += uint64(cache.public[k].Frames())
		}
		c.Public += uint64(max(0, a.inHand[k].Load()+a.quarantined[k].Load()))
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
