package arena

import (
	"sync"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// central carves the frames of one class from slabs. A cache asks it for a batch of frames
// only when no other cache had one to spare. Any goroutine may use it; mu guards its
// fields.
//
// Between two holders of mu
//
//	carved = the sum of slabDesc.carved over the class's slabs
//
// and in all slabs of the class but current all frames are carved.
type central struct {
	mu sync.Mutex // held while a slab is acquired, too

	// current is the slab that frames are carved from; nil if there is none.
	current *slab.Slab[slabDesc]

	carved uint64 // frames that exist: carved, and their slab not released since
	slabs  int    // the number of the class's slabs

	_ [128 - 40]byte
}

// slabDesc is the descriptor of a slab in use. It lies on the Go heap beside the slabs.
type slabDesc struct {
	class  bins.Class // never changes while the slab is in use
	carved uint32     // frames [0, carved) exist; guarded by the class's central.mu

	// records describe the frames in checked mode; otherwise nil. Guarded by the checker's
	// mu.
	records []record
}

// carve makes up to a batch of new frames of class k and returns them in a batch that the
// caller owns. It returns nil if the budget is used up or the system refuses. It may block
// and allocate, so the caller is not pinned.
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
	for i := n; i > 0; i-- { // from the last one down, so that Remove returns the lowest address first
		b.Add(unsafe.Add(c.current.Base(), uintptr(use.carved+i-1)*k.Size()))
	}
	use.carved += n
	c.carved += uint64(n)
	return b
}

// addSlab gives class k a new current slab. It reports false if the budget is used up or
// the system refuses. The caller holds the class's central.mu.
func (a *Arena) addSlab(k bins.Class) bool {
	if !a.budget.take(slab.Size) {
		return false
	}
	s := a.store.TryAcquire()
	if s == nil {
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
