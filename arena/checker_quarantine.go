package arena

import (
	"github.com/framearena/framearena/bins"
)

type quarantinedFrame struct {
	address uintptr
	class   bins.Class
}

// release lets the oldest frame out of quarantine, and reports whether there was
// one.
func (ch *checker) release() bool {
	f, ok := ch.quarantine.pop()
	if !ok {
		return false
	}
	ch.quarantineBytes -= f.class.Size()
	ch.arena.quarantined[f.class].Add(-1)
	ch.cache.deallocateClass(pointer(&f.address), f.class)
	return true
}

// publish ends all quarantine and publishes every free frame, and reports whether
// any was in quarantine. The caller holds mu.
func (ch *checker) publish() bool {
	any := false
	for ch.release() {
		any = true
	}
	ch.cache.Publish()
	ch.arena.resetBackoff()
	return any
}

// fifo is a queue that reuses its memory.
type fifo[T any] struct {
	items []T
	first int
}

func (q *fifo[T]) push(item T) {
	if q.first > 64 && q.first > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.first:]...)
		q.first = 0
	}
	q.items = append(q.items, item)
}

func (q *fifo[T]) pop() (item T, ok bool) {
	if q.first == len(q.items) {
		return item, false
	}
	item = q.items[q.first]
	q.first++
	return item, true
}
