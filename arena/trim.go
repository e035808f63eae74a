package arena

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// Trim gives memory of free frames back to the system until at most keep bytes of
// free frames have memory, or there is no more to find, and returns how many
// bytes it gave back. Slabs whose frames are all free are released, for any class
// to use; of other slabs, the pages that hold nothing but free frames are.
//
// Trim sees what caches have published, and what the calling P's cache holds. An
// owner that goes idle calls [Cache.Publish] first; what other caches hold
// privately is at most 128 KiB of a class each. Frames are not allocated slower
// meanwhile, but a cache that runs dry while Trim has the frames of a class in
// hand may take new ones from the system.
//
// Trim panics if the arena is closed.
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
	if a.checker != nil && !a.gone.Load() {
		a.checker.publish()
	}
	a.trimming.Lock()
	defer a.trimming.Unlock()
	if a.gone.Load() {
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
	return t.handedBack
}

// trim is one run of giving back. Its owner holds the arena's trimming, and in
// checked mode the checker's mu.
type trim struct {
	arena  *Arena
	pages  bool    // also of slabs that are not all free
	excess uintptr // bytes of free frames still to lose their memory

	handedBack uintptr // bytes
}

// run trims one class after the other, that of the largest frames first: there a
// byte takes the least work.
func (t *trim) run() {
	for k := bins.Class(bins.Classes); k > 0 && t.excess > 0; k-- {
		t.class(k - 1)
	}
}

// class takes all public frames of class k, gives back what it can, and publishes
// the others in the order of their addresses.
//
// While it has them, the frames are counted in the arena's inHand.
func (t *trim) class(k bins.Class) {
	frames, empties := t.arena.takePublic(k)
	slices.Sort(frames)
	warm, cold := make([]uintptr, 0, len(frames)), frames[:0]
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
		for _, f := range inSlab { // cold grows behind the place that rest begins at
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
	t.arena.inHand[k].Store(0)
}

// coldFrame marks, in the lists of a trim, the address of a frame whose pages were
// given back. Frames are aligned, so the bit is free.
const coldFrame = 1

// pointer reads an address in a trim's list as the pointer that it was.
func pointer(address *uintptr) unsafe.Pointer {
	return unsafe.Add(*(*unsafe.Pointer)(unsafe.Pointer(address)), -int(*address&coldFrame))
}

// takePublic takes all public frames of class k, which it returns, and the batches
// that they were in, linked and empty.
func (a *Arena) takePublic(k bins.Class) (frames []uintptr, empties *bins.Batch) {
	free := 0
	for _, c := range *a.caches.Load() {
		free += c.public[k].Frames()
	}
	frames = make([]uintptr, 0, free)
	for _, c := range *a.caches.Load() {
		for b := c.takeAll(a, k); b != nil; {
			a.inHand[k].Add(int64(b.Len()))
			next := b.Next()
			mark := uintptr(0)
			if b.Cold() {
				mark = coldFrame
				a.warmed(k, b)
			}
			for p := b.Remove(); p != nil; p = b.Remove() {
				frames = append(frames, uintptr(p)|mark)
			}
			b.SetNext(empties)
			empties = b
			b = next
		}
	}
	return frames, empties
}

// publishFrames puts frames of class k into batches from empties, or the arena's
// if these do not suffice, and publishes them. The lowest address will be handed
// out first.
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

// warmed is told that the frames of b, a cold batch, are about to be used. b is
// the caller's.
func (a *Arena) warmed(k bins.Class, b *bins.Batch) {
	a.cold[k].Add(-int64(b.Len()))
	b.SetCold(false)
}

// releaseSlab releases the slab s, if the given free frames are all that it has.
func (t *trim) releaseSlab(k bins.Class, s *slab.Slab[slabDesc], frames []uintptr) bool {
	a := t.arena
	c := &a.central[k]
	c.mu.Lock()
	if int(s.Desc.carved) != len(frames) { // somebody has the others, or carves them
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
	// Whether the system took the pages or not, the slab is free for any use.
	if err := a.store.Return(s); err == nil && !slab.FromHeap {
		t.handedBack += slab.Size
	}
	a.budget.give(slab.Size)
	a.slabsReleased.Add(1)
	t.lost(k, frames)
	return true
}

// lost counts the warm ones of the frames, whose memory was given back.
func (t *trim) lost(k bins.Class, frames []uintptr) {
	for _, f := range frames {
		if f&coldFrame == 0 {
			t.excess -= min(t.excess, k.Size())
		}
	}
}

// discardPages gives back the pages of slab s in which all frames are among the
// given ones, which are sorted, and marks the frames in them.
func (t *trim) discardPages(k bins.Class, s *slab.Slab[slabDesc], frames []uintptr) {
	unit := max(slab.PageSize(), k.Size()) // a page of frames, or a frame of pages
	perUnit := int(unit / k.Size())
	begin, end := 0, 0 // frames[begin:end] fill adjacent units
	flush := func() {
		if begin == end || t.excess == 0 {
			return
		}
		// No more than is asked for, in whole units.
		most := (t.excess-1)/unit + 1
		run := frames[begin:min(end, begin+int(min(most, slab.Size/unit))*perUnit)]
		if t.arena.store.Discard(pointer(&run[0]), uintptr(len(run))*k.Size()) != nil {
			return
		}
		t.lost(k, run)
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

// publicBytes returns the size of all public frames.
func (a *Arena) publicBytes() uintptr {
	n := uintptr(0)
	for _, c := range *a.caches.Load() {
		for k := range bins.Class(bins.Classes) {
			n += uintptr(c.public[k].Frames()) * k.Size()
		}
	}
	return n
}

// warmBytes returns the size of the public frames that have memory, as far as the
// arena knows.
func (a *Arena) warmBytes() uintptr {
	warm := a.publicBytes()
	for k := range bins.Class(bins.Classes) {
		warm -= min(warm, uintptr(max(0, a.cold[k].Load()))*k.Size())
	}
	return warm
}
