package arena

import (
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/slab"
)

// allocateLarge returns a mapping of its own for a frame of more than bins.MaxSize bytes,
// or nil if the budget is used up or the system refuses. The caller counts the refusal.
func (a *Arena) allocateLarge(size uintptr) unsafe.Pointer {
	// A size that can never be served must not take from the budget, not even for a moment:
	// others would be refused meanwhile.
	rounded := roundToPages(size)
	if size > slab.MaxMapping || !a.budget.canServe(rounded) {
		return nil
	}
	for {
		seen := a.slabsReleased.Load()
		if p := a.mapLarge(rounded); p != nil {
			return p
		}
		if !a.reclaim(seen) {
			return nil
		}
	}
}

// mapLarge maps rounded bytes, within the budget. It returns nil if that is refused.
func (a *Arena) mapLarge(rounded uintptr) unsafe.Pointer {
	if !a.budget.take(rounded) {
		return nil
	}
	p := a.store.TryMap(rounded)
	if p == nil {
		a.budget.give(rounded)
		return nil
	}
	return p
}

// deallocateLarge unmaps the frame of allocateLarge at p. It panics if there is none of
// that size.
func (a *Arena) deallocateLarge(p unsafe.Pointer, size uintptr) {
	if err := a.store.Unmap(p, size); err != nil {
		panic(fmt.Sprintf("arena: Deallocate of %p with size %d, which is no live frame of that size (freed twice, another arena's, or a wrong size): %v", p, size, err))
	}
	a.budget.give(roundToPages(size))
}

// roundToPages rounds size up to whole pages. The result wraps around for sizes near the
// end of the address space.
func roundToPages(size uintptr) uintptr {
	page := slab.PageSize()
	return (size + page - 1) &^ (page - 1)
}
