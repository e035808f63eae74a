//go:build framearena_explore

package executor

import (
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

// Tasks are posted from outside while workers take one, or their share, and the queue is
// closed: what was accepted is got once.
func injectionModel(r *interleave.Run) {
	q, y := new(injectionQueue), newTally(r)
	q.post(1)
	y.put(1)
	for i := range 2 {
		r.Thread("poster", func() {
			t := uintptr(2 + i)
			y.put(t)
			if !q.post(t) {
				delete(y.in, t)
			}
		})
	}
	r.Thread("worker", func() {
		own := new(deque)
		q.takeShare(own, 2)
		for i := own.top.v; i < own.bottom.v; i++ { // nobody else uses it
			y.take(own.slots[i%dequeSize].v)
		}
		y.take(q.take())
	})
	r.End(func() {
		r.Require(q.len() == len(y.in)-len(y.got), "the length is %d", q.len())
		for t := q.take(); t != 0; t = q.take() {
			y.take(t)
		}
		y.all()
	})
}

// What is posted while the queue is closed is refused or there when it has been closed.
func closingInjectionModel(r *interleave.Run) {
	q, y := new(injectionQueue), newTally(r)
	r.Thread("poster", func() {
		y.put(1)
		if !q.post(1) {
			delete(y.in, 1)
		}
	})
	r.Thread("closer", func() {
		q.close()
		// Posting is over when the queue is closed.
		for t := q.take(); t != 0; t = q.take() {
			y.take(t)
		}
	})
	r.End(y.all)
}

func TestInterleavingsOfInjections(t *testing.T) {
	interleave.Check(t, injectionModel)
	interleave.Check(t, closingInjectionModel)
}

func TestInterleavingsOfInjectionsBroken(t *testing.T) {
	interleave.Mutate(t, injectionModel, nil)
	interleave.Catch(t, closingInjectionModel, interleave.Break(interleave.Fault{In: "executor.(*injectionQueue).post", Does: interleave.Skipped}))
}
