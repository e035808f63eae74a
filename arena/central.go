package arena

import (
	"sync"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// central is where frames of one class that never existed come from. Caches come
// here only when no cache has a frame to spare, for a batch at a time.
type central struct {
	mu sync.Mutex // guards the rest; held while a slab is asked for

	// current is the slab that frames are carved from; the class's other slabs
	// are carved to their end.
	current *slab.Slab[slabDesc]

	carved uint64 // frames carved from the class's slabs, and not uncarved since
	slabs  int    // slabs that the class has

	_ [128 - 40]byte
}

// slabDesc is what the arena knows of a slab. It lies beside the slabs.
type slabDesc struct {
	class  bins.Class
	carved uint32 // frames [0, carved) exist; guarded by the class's central.mu

	// records are what checked mode knows of the frames; nil without it. They are
	// guarded by the checker's mu.
	records []record
}

// carve makes new frames of class k and returns them in a batch that is the
// caller's. It returns nil if the budget or the system refuses. It may block and
// allocate.
func (a *Arena) carve(k bins.Class) *bins.Batch {
	b := a.emptyBatch()
	c := &a.central[k]
	c.mu.Lock()
	defer c.mu.Unlock()
	perSlab := uint32(slab.Size / k.Size())
	if c.current == nil || c.current.Desc.carved == perSlab {
		if !a.addSlab(k) {
			a.addEmpty(b)
			return nil
		}
	}
	use := &c.current.Desc
	n := min(uint32(k.BatchLen()), perSlab-use.carved)
	for i := n; i > 0; i-- { // backwards: Remove then goes up in memory
		b.Add(unsafe.Add(c.current.Base(), uintptr(use.carved+i-1)*k.Size()))
	}
	use.carved += n
	c.carved += uint64(n)
	return b
}

// addSlab gives class k a new current slab and reports whether there was one to
// be had. The caller holds the class's central.mu.
func (a *Arena) addSlab(k bins.Class) bool {
	if !a.budget.take(slab.Size) {
		return false
	}
	s, err := a.store.Acquire()
	if err != nil {
		a.budget.give(slab.Size)
		return false
	}
	s.Desc = slabDesc{class: k}
	if a.checker != nil {
		s.Desc.records = make([]record, slab.Size/k.Size())
	}
	c := &a.central[k]
	c.current = s
	c.slabs++
	return true
}
