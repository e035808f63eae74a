//go:build !framearena_explore

package executor

import "sync/atomic"

func (w *word) load() uintptr { return atomic.LoadUintptr(&w.v) }

func (w *word) store(v uintptr) {
	if plainStores {
		w.v = v
	} else {
		atomic.StoreUintptr(&w.v, v)
	}
}

func (w *word) swap(v uintptr) uintptr { return atomic.SwapUintptr(&w.v, v) }

func (w *word) cas(old, new uintptr) bool { return atomic.CompareAndSwapUintptr(&w.v, old, new) }
