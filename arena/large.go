package arena

import (
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/slab"
)

// allocateLarge returns a mapping of its own for a frame that no class fits, or
// nil. It does not count a refusal.
func (a *Arena) allocateLarge(size uintptr) unsafe.Pointer {
	// What nobody can have must not be taken from the budget for a moment either.
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

func (a *Arena) mapLarge(rounded uintptr) unsafe.Pointer {
	if !a.budget.take(rounded) {
		return nil
	}
	p, err := a.store.Map(rounded)
	if err != nil {
		a.budget.give(rounded)
		return nil
	}
	return p
}

// deallocateLarge gives a large frame's pages back to the system.
func (a *Arena) deallocateLarge(p unsafe.Pointer, size uintptr) {
	if err := a.store.Unmap(p, size); err != nil {
		panic(fmt.Sprintf("arena: Deallocate of %p with size %d, which is no live frame of that size (freed twice, another arena's, or a wrong size): %v", p, size, err))
	}
	a.budget.give(roundToPages(size))
}

func roundToPages(size uintptr) uintptr {
	page := slab.PageSize()
	return (size + page - 1) &^ (page - 1)
}
