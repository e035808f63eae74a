package arena

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// Slab is what [Arena.Slabs] has seen of a slab: 2 MiB of frames of one class. It is
// a copy, which may be kept.
type SlabInfo struct {
	Address   uintptr // of its first byte
	FrameSize uintptr // in bytes
	Capacity  int     // how many frames it has room for

	// SlabPart is the whole slab.
	SlabPart

	// free and cold have a bit for each frame that was carved, from the first. A frame
	// that is cold is free.
	free, cold []uint64
}

// SlabPart is how many frames of a slab, or of a part of one, are in which state.
type SlabPart struct {
	Carved int // exist; they are the first ones, and the rest never had memory
	Live   int // of the carved ones: somebody uses them
	Cold   int // of the free ones: Trim gave their memory back
}

// Part returns what is known of the frames from the one with the number begin up to,
// and without, the one with the number end. It panics if these are not in order and
// between 0 and Capacity.
func (s *SlabInfo) Part(begin, end int) SlabPart {
	if begin < 0 || begin > end || end > s.Capacity {
		panic("arena: Part of a slab, of frames that it has no room for: give two numbers up to Capacity, in order")
	}
	begin, end = min(begin, s.Carved), min(end, s.Carved)
	return SlabPart{
		Carved: end - begin,
		Live:   end - begin - countBits(s.free, begin, end),
		Cold:   countBits(s.cold, begin, end),
	}
}

// countBits returns how many of bits [begin, end) are set.
func countBits(words []uint64, begin, end int) (n int) {
	for begin < end {
		width := min(end-begin, 64-begin%64)
		n += bits.OnesCount64(words[begin/64] >> (begin % 64) << (64 - width))
		begin += width
	}
	return n
}

// Slabs returns an iterator over the arena's slabs, in the order of their frames'
// size and then of their addresses: a map of the arena. Frames over 64 KiB are not in
// slabs; [Arena.Stats] counts them.
//
// It may be used from any goroutine, at any time. All is looked at when the loop
// begins, and no lock is held in its body. It takes nothing out of the lists of those
// who use the arena and does not slow them, but that who takes new frames from a slab
// waits while the slabs are listed, and who is out of memory until all is looked at;
// checked mode has one lock for everything. The time that it takes is in proportion to
// the number of free frames, the memory to that of slabs: 4 KiB each at the most.
//
// At rest, as [Stats] has it, the map is exact. In checked mode Live and Carved
// always are. Otherwise, while others use the arena, it is no picture of one moment:
// a frame that moves between lists may seem live, and one that is allocated may still
// seem free. These are few for each cache, as long as no list changes faster than it
// can be looked through.
func (a *Arena) Slabs() iter.Seq[SlabInfo] {
	return func(yield func(SlabInfo) bool) {
		for _, s := range a.survey() {
			if !yield(s) {
				return
			}
		}
	}
}

// survey looks at all slabs and all free frames.
func (a *Arena) survey() []SlabInfo {
	if ch := a.checker; ch != nil {
		ch.mu.Lock()
		defer ch.mu.Unlock()
	}
	// Nobody closes the arena, so batches stay batches; no slab is released; and no
	// frames are in a trim's hands.
	a.trimming.Lock()
	defer a.trimming.Unlock()
	if a.closed.Load() {
		return nil
	}
	v := survey{at: make(map[uintptr]int)}
	a.surveySlabs(&v)
	if a.checker == nil {
		a.surveyLists(&v)
	}
	for i := range v.slabs {
		s := &v.slabs[i]
		s.SlabPart = s.Part(0, s.Capacity)
	}
	slices.SortFunc(v.slabs, func(a, b SlabInfo) int {
		return cmp.Or(cmp.Compare(a.FrameSize, b.FrameSize), cmp.Compare(a.Address, b.Address))
	})
	return v.slabs
}

// survey is one look at all slabs. It belongs to one goroutine, which holds the arena's
// trimming and, in checked mode, the checker's mu.
type survey struct {
	slabs []SlabInfo
	at    map[uintptr]int // where in slabs that with an address is

	last *SlabInfo // where the frame before was
}

// surveySlabs notes the slabs. In checked mode, it also notes which of their frames are
// free: there are records of that.
func (a *Arena) surveySlabs(v *survey) {
	// A slab that is being acquired is already the store's to show, and not yet its
	// class's. Nobody else holds two of these locks.
	for k := range a.central {
		a.central[k].mu.Lock()
		defer a.central[k].mu.Unlock()
	}
	for s := range a.store.Slabs {
		size := s.Desc.class.Size()
		carved := int(s.Desc.carved)
		words := (carved + 63) / 64
		seen := SlabInfo{
			Address:   uintptr(s.Base()),
			FrameSize: size,
			Capacity:  int(slab.Size / size),
			SlabPart:  SlabPart{Carved: carved},
			free:      make([]uint64, words),
			cold:      make([]uint64, words),
		}
		if a.checker != nil {
			for i := range s.Desc.records[:carved] {
				if s.Desc.records[i].state != frameLive {
					seen.free[i/64] |= 1 << (i % 64)
				}
			}
		}
		v.at[seen.Address] = len(v.slabs)
		v.slabs = append(v.slabs, seen)
	}
}

// surveyLists notes the frames in all lists.
func (a *Arena) surveyLists(v *survey) {
	a.mu.Lock()
	batches := 0
	for _, chunk := range a.chunks {
		batches += len(chunk)
	}
	a.mu.Unlock()
	for k := range bins.Class(bins.Classes) {
		for _, c := range *a.caches.Load() {
			c.lists[k].Peek(func(frame uintptr) { v.markFree(frame, false) })
			for range maxLooks {
				if c.public[k].Peek(batches, v.markFree) {
					break
				}
			}
		}
	}
}

// note notes that a frame is free. It may be one of a slab that is too new to be in the
// survey.
func (v *survey) markFree(frame uintptr, cold bool) {
	address := frame &^ (slab.Size - 1)
	s := v.last
	if s == nil || s.Address != address {
		i, ok := v.at[address]
		if !ok {
			return
		}
		s = &v.slabs[i]
		v.last = s
	}
	i := int((frame - address) / s.FrameSize)
	if i >= s.Carved {
		return
	}
	s.free[i/64] |= 1 << (i % 64)
	if cold {
		s.cold[i/64] |= 1 << (i % 64)
	}
}
