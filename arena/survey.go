package arena

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// A survey looks into lists that others use, and takes nothing out of them; bins/peek.go
// says why that is safe. It holds Arena.trimming for three reasons: the arena is not closed
// meanwhile, so that batches stay batches; no slab is released; and no trim has frames.

// SlabInfo describes a slab, 2 MiB of frames of one class, as [Arena.Slabs] has seen it. It
// is a copy, which the caller may keep.
type SlabInfo struct {
	Address   uintptr // of its first byte
	FrameSize uintptr // in bytes
	Capacity  int     // number of frames that it has room for

	// SlabPart has the figures of the whole slab.
	SlabPart

	// free and cold have a bit for each carved frame, in the order of their addresses. A
	// cold frame is free, too.
	free, cold []uint64
}

// SlabPart has the numbers of frames in each state, of a slab or of a part of one.
type SlabPart struct {
	Carved int // frames that exist: the first ones; the others never had memory
	Live   int // carved frames in use
	Cold   int // free frames whose memory Trim gave back
}

// Part returns the figures of the frames with the numbers begin to end-1, where the first
// frame of the slab has the number 0. It panics unless 0 ≤ begin ≤ end ≤ Capacity.
func (s *SlabInfo) Part(begin, end int) SlabPart {
	if begin < 0 || begin > end || end > s.Capacity {
		panic("arena: SlabInfo.Part of frames that the slab has no room for: pass 0 ≤ begin ≤ end ≤ Capacity")
	}
	begin, end = min(begin, s.Carved), min(end, s.Carved)
	return SlabPart{
		Carved: end - begin,
		Live:   end - begin - countBits(s.free, begin, end),
		Cold:   countBits(s.cold, begin, end),
	}
}

// countBits returns the number of set bits in [begin, end).
func countBits(words []uint64, begin, end int) (n int) {
	for begin < end {
		width := min(end-begin, 64-begin%64)
		n += bits.OnesCount64(words[begin/64] >> (begin % 64) << (64 - width))
		begin += width
	}
	return n
}

// Slabs returns an iterator over the arena's slabs, ordered by the size of their frames and
// then by address: a map of the arena. Frames over 64 KiB are not in slabs; [Arena.Stats]
// counts them. Slabs of a closed arena has no elements.
//
// Any goroutine may call it, at any time. The survey is made when the loop begins; the loop
// body runs without a lock and may use the arena. The survey takes no frames out of lists
// and does not slow allocation, with these exceptions: a goroutine that needs new frames
// waits while the slabs are listed, one that is out of memory waits for the whole survey,
// and in checked mode everyone waits. The survey takes time in proportion to the number of
// free frames, and up to 4 KiB of memory for each slab.
//
// At rest, as defined by [Stats], the map is exact. In checked mode Live and Carved are
// always exact. Otherwise, while others use the arena, the map is not of one moment: a
// frame that moves between lists may appear live, and a frame that is being allocated may
// still appear free. These are few for each cache, as long as no list changes faster than
// it can be looked through.
func (a *Arena) Slabs() iter.Seq[SlabInfo] {
	return func(yield func(SlabInfo) bool) {
		for _, s := range a.survey() {
			if !yield(s) {
				return
			}
		}
	}
}

// survey returns the description of all slabs, or nil if the arena is closed.
func (a *Arena) survey() []SlabInfo {
	if ch := a.checker; ch != nil {
		ch.mu.Lock()
		defer ch.mu.Unlock()
	}
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

// survey is one survey of all slabs. It belongs to one goroutine, which holds the arena's
// trimming and, in checked mode, the checker's mu.
type survey struct {
	slabs []SlabInfo
	at    map[uintptr]int // index in slabs, by address

	last *SlabInfo // the slab of the frame before: the next one is often in the same
}

// surveySlabs adds all slabs to v. In checked mode it also marks their free frames, as
// their records say.
func (a *Arena) surveySlabs(v *survey) {
	// The locks keep out addSlab: it has acquired a slab, which the store lists from then
	// on, before it has set the slab's descriptor. No other function holds two of these
	// locks, so they cannot deadlock.
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

// surveyLists marks the frames in all private lists and public stacks as free.
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

// markFree marks a frame as free. It ignores frames that were carved, or whose slab was
// acquired, after surveySlabs.
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
