package arena

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// How a trim works, and why others may use the arena meanwhile.
//
// A trim visits the classes one after the other. Of each it takes all public frames, gives
// memory back, and publishes the frames that are left, sorted by address.
//
// Ownership. takePublic takes the batches from the stacks as any taker does (steal.go).
// From then on the trim owns the frames: no other goroutine can allocate them, and a
// correct program does not free them again. Trims exclude each other with Arena.trimming.
// Until the trim has published the class, its frames are counted in Arena.inTrim, which
// Stats adds to the public ones.
//
// Releasing a slab. With central.mu held, the trim compares the number of the slab's frames
// that it owns, which are distinct, with slabDesc.carved. If they are equal, it owns all
// frames of the slab, and nobody makes more: carving needs central.mu, and takes frames
// from current only, which the trim clears if it is this slab. So no other goroutine has or
// can get an address in the slab, and the trim returns it to the store after it has
// released the lock. If the numbers differ, the other frames are live or in private lists,
// and the slab stays.
//
// Discarding pages. In a slab that stays, the trim gives back the pages in which it owns
// all frames, and publishes these frames in cold batches. Addresses of free frames lie in
// batches, outside of the frames, so the lists need no memory of the slab. The next write
// to such a frame makes the system back its page again. A batch is no longer cold when it
// is taken for use (markWarm). Arena.cold is the number of frames in cold batches.
//
// TestTrimWhileOthersAllocate and TestStress show it.

// Trim gives memory of free frames back to the system until at most keep bytes of free
// frames have memory, or until it finds no more, and returns the number of bytes that it
// gave back. It releases slabs whose frames are all free, for any class to use. Of other
// slabs it gives back the pages that hold only free frames.
//
// Trim sees the frames that caches have published, and those in the cache of the calling P.
// An owner of a cache calls [Cache.Publish] before it goes idle. Other caches may hold up
// to 128 KiB of a class privately. Trim does not slow those who allocate, but a cache that
// runs dry while Trim has the frames of a class may take new memory from the system.
//
// Any goroutine may call Trim. It panics if the arena is closed.
func (a *Arena) Trim(keep uintptr) uintptr {
	a.mustBeOpen("Trim")
	return a.trim(keep)
}

// trim is Trim, but does nothing if the arena is closed.
func (a *Arena) trim(keep uintptr) uintptr {
	if ch := a.checker; ch != nil {
		ch.mu.Lock()
		defer ch.mu.Unlock()
	}
	if a.checker != nil && !a.closed.Load() {
		a.checker.publish()
	}
	a.trimming.Lock()
	defer a.trimming.Unlock()
	if a.closed.Load() {
		return 0
	}
	if a.checker == nil {
		a.publishLocal()
	}
	t := trim{arena: a, pages: !slab.FromHeap && a.checker == nil}
	if warm := a.warmBytes(); warm > keep {
		t.excess = warm - keep
	}
	t.run()
	a.trimMemory = trimMemory{}
	return t.handedBack
}

// trim is one run of a trim. It belongs to one goroutine, which holds the arena's trimming
// and, in checked mode, the checker's mu.
type trim struct {
	arena  *Arena
	pages  bool    // discard pages, too; otherwise only release slabs
	excess uintptr // bytes of free frames that should still lose their memory

	handedBack uintptr // bytes given back so far
}

// trimMemory is what a trim works with: two lists of the frames of one class. The arena keeps
// it from one search of reclaim to the next, so that a program at its limit does not allocate
// with each refusal: 16 bytes for each public frame of the class that has most. Trim drops
// it. It belongs to the holder of Arena.trimming.
type trimMemory struct{ frames, warm []uintptr }

// emptied returns list without elements, with room for n.
func emptied(list []uintptr, n int) []uintptr {
	if cap(list) < n {
		return make([]uintptr, 0, n)
	}
	return list[:0]
}

// run trims one class after the other. It begins with the largest frames, which give back
// the most bytes for the same work.
func (t *trim) run() {
	for k := bins.Class(bins.Classes); k > 0 && t.excess > 0; k-- {
		t.class(k - 1)
	}
}

// class takes all public frames of class k, releases slabs and discards pages, and
// publishes the frames that are left in the order of their addresses. It panics if a frame
// is there twice or belongs to no slab of the class.
func (t *trim) class(k bins.Class) {
	frames, empties := t.arena.takePublic(k)
	slices.Sort(frames)
	t.arena.trimMemory.warm = emptied(t.arena.trimMemory.warm, len(frames))
	warm, cold := t.arena.trimMemory.warm, frames[:0]
	for rest := frames; len(rest) > 0; {
		s := t.arena.store.Find(pointer(&rest[0]))
		if s == nil || s.Desc.class != k {
			panic(fmt.Sprintf("arena: Trim found, among the free frames of %d bytes, one at %p that is none: it was freed to the wrong arena or with a wrong size", k.Size(), pointer(&rest[0])))
		}
		n := 1
		for n < len(rest) && rest[n]-uintptr(s.Base()) < slab.Size {
			if rest[n]|coldFrame == rest[n-1]|coldFrame {
				panic(fmt.Sprintf("arena: Trim found the frame of %d bytes at %p free twice: it was freed twice", k.Size(), pointer(&rest[n])))
			}
			n++
		}
		inSlab := rest[:n]
		rest = rest[n:]
		if t.excess > 0 && t.releaseSlab(k, s, inSlab) {
			continue
		}
		if t.excess > 0 && t.pages {
			t.discardPages(k, s, inSlab)
		}
		for _, f := range inSlab { // cold overwrites the beginning of frames, which was read already
			if f&coldFrame == 0 {
				warm = append(warm, f)
			} else {
				cold = append(cold, f&^coldFrame)
			}
		}
	}
	t.arena.publishFrames(k, cold, true, &empties)
	t.arena.publishFrames(k, warm, false, &empties)
	for empties != nil {
		b := empties
		empties = b.Next()
		t.arena.addEmpty(b)
	}
	t.arena.inTrim[k].Store(0)
}

// coldFrame is a bit that marks, in a trim, the address of a frame whose pages were given
// back. Frames are aligned to 128 bytes, so no address has this bit.
const coldFrame = 1

// pointer returns an address in a trim as a pointer, without the mark. It loads the pointer
// from the variable, because vet takes a conversion from an integer for a mistake.
func pointer(address *uintptr) unsafe.Pointer {
	return unsafe.Add(*(*unsafe.Pointer)(unsafe.Pointer(address)), -int(*address&coldFrame))
}

// takePublic takes all public frames of class k from all caches. It returns their
// addresses, cold ones marked, and the chain of the batches that they were in, now empty.
// The caller, who holds trimming, owns both.
func (a *Arena) takePublic(k bins.Class) (frames []uintptr, empties *bins.Batch) {
	free := 0
	for _, c := range *a.caches.Load() {
		free += c.public[k].Frames()
	}
	frames = emptied(a.trimMemory.frames, free)
	for _, c := range *a.caches.Load() {
		for b := c.takeAll(a, k); b != nil; {
			a.inTrim[k].Add(int64(b.Len()))
			next := b.Next()
			mark := uintptr(0)
			if b.Cold() {
				mark = coldFrame
				a.markWarm(k, b)
			}
			for p := b.Remove(); p != nil; p = b.Remove() {
				frames = append(frames, uintptr(p)|mark)
			}
			b.SetNext(empties)
			empties = b
			b = next
		}
	}
	a.trimMemory.frames = frames
	return frames, empties
}

// publishFrames puts frames of class k into batches and pushes these to the shared cache's
// public stack, so that the lowest addresses are handed out first. It takes batches from
// empties, and from the arena if these do not suffice.
func (a *Arena) publishFrames(k bins.Class, frames []uintptr, cold bool, empties **bins.Batch) {
	if cold {
		a.cold[k].Add(int64(len(frames)))
	}
	for end := len(frames); end > 0; {
		b := *empties
		if b == nil {
			b = a.emptyBatch()
		} else {
			*empties = b.Next()
		}
		b.SetCold(cold)
		begin := max(0, end-k.BatchLen())
		for i := end - 1; i >= begin; i-- {
			b.Add(pointer(&frames[i]))
		}
		a.shared.public[k].Push(b)
		end = begin
	}
}

// markWarm makes b, a cold batch of class k that the caller owns, one that is not cold: its
// frames are about to be used.
func (a *Arena) markWarm(k bins.Class, b *bins.Batch) {
	a.cold[k].Add(-int64(b.Len()))
	b.SetCold(false)
}

// releaseSlab releases the slab s of class k if frames, which the trim owns, are all that
// it has. It reports whether it did.
func (t *trim) releaseSlab(k bins.Class, s *slab.Slab[slabDesc], frames []uintptr) bool {
	a := t.arena
	c := &a.central[k]
	c.mu.Lock()
	if int(s.Desc.carved) != len(frames) { // the others are live or in private lists
		c.mu.Unlock()
		return false
	}
	if c.current == s {
		c.current = nil
	}
	c.carved -= uint64(len(frames))
	c.slabs--
	c.mu.Unlock()
	if a.checker != nil {
		a.checker.mustBeUntouched(s)
	}
	// The store has the slab back even if the system did not take its pages.
	if err := a.store.Return(s); err == nil && !slab.FromHeap {
		t.handedBack += slab.Size
	}
	a.budget.give(slab.Size)
	a.slabsReleased.Add(1)
	t.countDiscarded(k, frames)
	return true
}

// countDiscarded subtracts those of the frames that were not cold before from excess. Their
// memory was given back.
func (t *trim) countDiscarded(k bins.Class, frames []uintptr) {
	for _, f := range frames {
		if f&coldFrame == 0 {
			t.excess -= min(t.excess, k.Size())
		}
	}
}

// discardPages gives back the pages of slab s in which all frames are among the given ones,
// which are sorted and owned by the trim, and marks these frames as cold. A frame that is
// larger than a page counts as a unit of pages.
func (t *trim) discardPages(k bins.Class, s *slab.Slab[slabDesc], frames []uintptr) {
	unit := max(slab.PageSize(), k.Size()) // a page with all its frames, or a frame with all its pages
	perUnit := int(unit / k.Size())
	begin, end := 0, 0 // frames[begin:end] fill adjacent units
	flush := func() {
		if begin == end || t.excess == 0 {
			return
		}
		// Discard no more than excess, rounded up to a whole unit.
		most := (t.excess-1)/unit + 1
		run := frames[begin:min(end, begin+int(min(most, slab.Size/unit))*perUnit)]
		if t.arena.store.Discard(pointer(&run[0]), uintptr(len(run))*k.Size()) != nil {
			return
		}
		t.countDiscarded(k, run)
		t.handedBack += uintptr(len(run)) * k.Size()
		for i := range run {
			run[i] |= coldFrame
		}
	}
	for i := 0; i < len(frames); {
		first := frames[i] &^ coldFrame
		n, isWarm := 0, false
		for ; i+n < len(frames) && frames[i+n]&^coldFrame < first&^(unit-1)+unit; n++ {
			isWarm = isWarm || frames[i+n]&coldFrame == 0
		}
		if n < perUnit || !isWarm {
			flush()
			begin, end = 0, 0
		} else {
			if begin == end || first != frames[end-1]&^coldFrame+k.Size() {
				flush()
				begin = i
			}
			end = i + n
		}
		i += n
	}
	flush()
}

// publicBytes returns the size of all public frames, cold ones too, in bytes.
func (a *Arena) publicBytes() uintptr {
	n := uintptr(0)
	for _, c := range *a.caches.Load() {
		for k := range bins.Class(bins.Classes) {
			n += uintptr(c.public[k].Frames()) * k.Size()
		}
	}
	return n
}

// warmBytes returns the size of the public frames that are not cold, in bytes.
func (a *Arena) warmBytes() uintptr {
	warm := a.publicBytes()
	for k := range bins.Class(bins.Classes) {
		warm -= min(warm, uintptr(max(0, a.cold[k].Load()))*k.Size())
	}
	return warm
}
