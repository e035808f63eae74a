package executor

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/goroutine"
)

// ErrClosed is the error of posting to a closed executor, and of tasks that an executor cancels
// because it is closed.
var ErrClosed = errors.New("executor: closed")

// closing makes sure that an executor is closed once. Any goroutine may use it.
type closing struct {
	once sync.Once

	// by is the number of the goroutine that closes the executor now, or 0. That goroutine
	// stores its number; the one that called do stores 0 at the end. Any goroutine loads it,
	// to compare it with its own number. A goroutine that finds its own number has stored
	// it itself, so no ordering between goroutines is needed. Numbers of goroutines are not
	// used again.
	by atomic.Uint64
}

// do calls f in the first call, and returns its error. Other calls wait until the first has
// ended, and return nil. f must not call do; it calls handlers, so Close and Drain ask
// byCaller before. If a handler panics or ends the goroutine, another goroutine calls f
// again before do ends: f does not repeat what it has done.
func (c *closing) do(f func() error) (err error) {
	c.once.Do(func() {
		returned := false
		defer c.by.Store(0)
		defer func() {
			for !returned {
				goroutine.Elsewhere(func() {
					c.by.Store(goroutine.ID())
					_ = f()
					returned = true
				})
			}
		}()
		c.by.Store(goroutine.ID())
		err = f()
		returned = true
	})
	return err
}

// byCaller reports whether the calling goroutine is the one that closes the executor, or one
// for which that waits, as for a cleanup step.
func (c *closing) byCaller() bool {
	by := c.by.Load()
	return by != 0 && goroutine.Ask(func() bool { return by == goroutine.ID() })
}

// cancelAll cancels all tasks in the queue of a closed executor.
func cancelAll(q *coro.RunQueue, w *coro.Worker) {
	for {
		t, ok := q.Pop()
		if !ok {
			return
		}
		w.Cancel(t, ErrClosed)
	}
}
