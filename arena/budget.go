package arena

import "sync/atomic"

// budget is the arena's limit in bytes, and what it has of it in use: slabs and
// large mappings.
type budget struct {
	limit uintptr // 0: none

	// used is changed by whoever takes or gives back memory and is never above
	// limit. A compare-and-swap of the sum decides who gets the last of it;
	// nothing else is published through it.
	used atomic.Uintptr
}

// take reserves n bytes, if there are so many.
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

// give returns n bytes that take reserved.
func (b *budget) give(n uintptr) { b.used.Add(-n) }

// canServe reports whether n bytes are within the limit when nothing else is in
// use.
func (b *budget) canServe(n uintptr) bool { return b.limit == 0 || n <= b.limit }
