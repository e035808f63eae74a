package arena

import (
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/slab"
)

// allocateLarge returns a mapping of its own for a frame that no class fits.
func (a *Arena) allocateLarge(size uintptr) unsafe.Pointer {
	rounded := roundToPages(size)
	if rounded < size || !a.budget.take(rounded) {
		if rounded < size {
			a.budget.refusals.Add(1)
		}
		return nil
	}
	p, err := a.store.Map(size)
	if err != nil {
		a.budget.refuse(rounded)
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
