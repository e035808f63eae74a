package arena

import "sync/atomic"

// budget is the arena's limit in bytes and the bytes that count against it: slabs in use
// and large mappings. Any goroutine may use it.
//
// Memory is requested from the system after take, and given back before give. So at every
// moment
//
//	bytes of slabs in use and of large mappings ≤ used ≤ limit
//
// The second holds because take installs a sum only if used still has the value that the
// sum was computed from: of several goroutines that compete for the last bytes, one gets
// them. The first holds because each goroutine does its two steps in the order above.
//
// TestGoroutinesNeverExceedTheLimitTogether shows it.
type budget struct {
	limit uintptr // 0: none; never changes after New

	// used is changed by take, with a compare-and-swap, and by give. Stats reads it.
	// Nothing else is published through it.
	used atomic.Uintptr
}

// take adds n bytes to used. It reports false, and does nothing, if that exceeds the limit.
func (b *budget) take(n uintptr) bool {
	for {
		used := b.used.Load()
		sum := used + n
		if sum < used || b.limit != 0 && sum > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, sum) {
			return true
		}
	}
}

// give subtracts n bytes that take added.
func (b *budget) give(n uintptr) { b.used.Add(-n) }

// canServe reports whether n bytes are within the limit when nothing else is in use.
func (b *budget) canServe(n uintptr) bool { return b.limit == 0 || n <= b.limit }
