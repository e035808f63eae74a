package arena

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// ErrCorrupt is wrapped by the errors of [Arena.Validate].
var ErrCorrupt = errors.New("arena: corrupt")

// Validate walks all free frames and all slabs. It returns an error that wraps [ErrCorrupt]
// if they do not agree: if a frame is free twice, if a free frame lies in no slab of its
// class, or if a figure of [Stats] differs from the count. In checked mode it also panics
// if a free frame was written to.
//
// The arena must be at rest: no other method of it or of its caches may run. Validate is
// for tests. It takes time and memory in proportion to the number of free frames.
func (a *Arena) Validate() error {
	a.mustBeOpen("Validate")
	if ch := a.checker; ch != nil {
		ch.mu.Lock()
		defer ch.mu.Unlock()
		ch.mustAllBeUntouched()
	}
	a.trimming.Lock()
	defer a.trimming.Unlock()
	v := validation{arena: a, free: make(map[uintptr]bins.Class)}
	v.slabs()
	for k := range bins.Class(bins.Classes) {
		v.class(k)
	}
	v.records()
	return errors.Join(v.errs...)
}

// validation is one run of Validate. It belongs to one goroutine, which holds the arena's
// trimming and, in checked mode, the checker's mu.
type validation struct {
	arena *Arena
	free  map[uintptr]bins.Class // each frame that was found in a list
	errs  []error
}

// fail adds an error, up to ten of them.
func (v *validation) fail(format string, args ...any) {
	if len(v.errs) < 10 {
		v.errs = append(v.errs, fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...))
	}
}

// slabs compares the descriptors of the slabs with the counts of the classes and with the
// budget.
func (v *validation) slabs() {
	var carved [bins.Classes]uint64
	var slabs [bins.Classes]int
	all := 0
	for s := range v.arena.store.Slabs {
		all++
		carved[s.Desc.class] += uint64(s.Desc.carved)
		slabs[s.Desc.class]++
	}
	for k := range bins.Class(bins.Classes) {
		c := &v.arena.central[k]
		c.mu.Lock()
		if c.carved != carved[k] || c.slabs != slabs[k] {
			v.fail("the class of %d bytes has %d frames in %d slabs, but its slabs are %d, with %d frames", k.Size(), c.carved, c.slabs, slabs[k], carved[k])
		}
		c.mu.Unlock()
	}
	large := v.arena.store.Stats().LargeBytes
	if used, want := v.arena.budget.used.Load(), uintptr(all)*slab.Size+large; used != want {
		v.fail("%d bytes are counted as used, but there are %d slabs and %d bytes of large frames", used, all, large)
	}
}

// class walks the free frames of class k, in lists, stacks and quarantine, and compares
// them with the counts.
func (v *validation) class(k bins.Class) {
	cold := int64(0)
	before := len(v.free)
	for _, c := range *v.arena.caches.Load() {
		n := 0
		for p := range c.lists[k].Frames {
			v.frame(k, p)
			n++
		}
		if n != c.lists[k].Len() {
			v.fail("a private list says that it has %d frames of %d bytes, and has %d", c.lists[k].Len(), k.Size(), n)
		}
		n = 0
		for b := range c.public[k].Batches {
			if b.Cold() {
				cold += int64(b.Len())
			}
			for p := range b.Frames {
				v.frame(k, p)
				n++
			}
		}
		if n != c.public[k].Frames() {
			v.fail("a public stack says that it has %d frames of %d bytes, and has %d", c.public[k].Frames(), k.Size(), n)
		}
	}
	if cold != v.arena.cold[k].Load() {
		v.fail("%d frames of %d bytes are counted as cold, and %d are", v.arena.cold[k].Load(), k.Size(), cold)
	}
	if ch := v.arena.checker; ch != nil {
		for _, f := range ch.quarantine.items[ch.quarantine.first:] {
			if f.class == k {
				v.frame(k, pointer(&f.address))
			}
		}
	}
	if free, carved := len(v.free)-before, v.arena.central[k].carved; uint64(free) > carved {
		v.fail("%d frames of %d bytes are free, but only %d exist", free, k.Size(), carved)
	}
}

// frame checks that the frame of class k at p is free once, and a frame.
func (v *validation) frame(k bins.Class, p unsafe.Pointer) {
	if _, twice := v.free[uintptr(p)]; twice {
		v.fail("the frame of %d bytes at %p is free twice", k.Size(), p)
		return
	}
	v.free[uintptr(p)] = k
	s := v.arena.store.Find(p)
	if s == nil || s.Desc.class != k || s.Desc.carved == 0 {
		v.fail("the free frame of %d bytes at %p is in no slab of its class", k.Size(), p)
		return
	}
	if offset := uintptr(p) - uintptr(s.Base()); offset%k.Size() != 0 || offset/k.Size() >= uintptr(s.Desc.carved) {
		v.fail("the free frame of %d bytes at %p is at no place for a frame", k.Size(), p)
	}
}

// records compares the records of checked mode with the lists: each carved frame is either
// live or in a list.
func (v *validation) records() {
	if v.arena.checker == nil {
		return
	}
	for s := range v.arena.store.Slabs {
		k := s.Desc.class
		for i := range s.Desc.records[:s.Desc.carved] {
			p := unsafe.Add(s.Base(), uintptr(i)*k.Size())
			_, free := v.free[uintptr(p)]
			if live := s.Desc.records[i].state == frameLive; live == free {
				v.fail("the frame of %d bytes at %p is live: %t, and free: %t", k.Size(), p, live, free)
			}
		}
	}
}
