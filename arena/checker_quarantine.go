package arena

import (
	"github.com/framearena/framearena/bins"
)

// quarantinedFrame is a frame in quarantine.
type quarantinedFrame struct {
	address uintptr
	class   bins.Class
}

// release moves the oldest frame from the quarantine to the checker's cache. It reports
// false if there is none. The caller holds mu.
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

// publish moves all frames from the quarantine to the checker's cache and publishes that.
// It reports whether there were any in quarantine. The caller holds mu.
func (ch *checker) publish() bool {
	any := false
	for ch.release() {
		any = true
	}
	ch.cache.Publish()
	ch.arena.resetBackoff()
	return any
}

// fifo is a queue that reuses its memory. The zero fifo is empty.
type fifo[T any] struct {
	items []T
	first int // items[first:] are in the queue
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
