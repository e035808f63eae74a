//go:build framearena_explore

package executor

import "github.com/framearena/framearena/internal/interleave"

func (w *word) load() uintptr { return interleave.LoadUintptr(&w.v) }

func (w *word) store(v uintptr) { interleave.StoreRelease(&w.v, v) }

func (w *word) swap(v uintptr) uintptr { return interleave.SwapUintptr(&w.v, v) }

func (w *word) cas(old, new uintptr) bool {
	return interleave.CompareAndSwapUintptr(&w.v, old, new)
}
