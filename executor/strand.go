package executor

import (
	"sync"

	"github.com/framearena/framearena/coro"
)

// Strand runs tasks on another executor, its base, one at a time and in the order in which
// they are posted: state that only tasks of one Strand use needs no lock. A task gives way to
// the others of its Strand when it yields or waits, and goes to the end of the queue when
// it is ready again.
//
// A Strand costs no goroutine, and posting to it allocates nothing. To its base, all of its
// tasks are one task that yields after some of them have run. So a Strand keeps at most one
// worker busy, and does not keep that from the other tasks of the base. The base may be any
// executor, also another Strand. Any goroutine may use a Strand.
//
// A Strand has no Close. It takes tasks as long as its base does, and its tasks end with those
// of the base when that is closed. A Strand that is no longer referred to is collected after
// its last task has ended.
type Strand struct{ relay *coro.Relay }

// NewStrand returns a Strand on base. Its tasks have the arena of the base and, without
// [WithErrorHandler], its error handler.
func NewStrand(base coro.Executor, opts ...StrandOption) *Strand {
	if base == nil {
		panic("executor: NewStrand on a nil executor: give it a Pool, or whatever is to run the tasks")
	}
	return &Strand{coro.NewRelay(base, new(strandQueue), newStrandOptions(opts).handler)}
}

// Post queues the task behind the others. The error is that of the base's Post, such as
// [ErrClosed].
func (s *Strand) Post(t coro.Runnable) error { return s.relay.Post(t) }

// Environment returns the environment of tasks launched without options.
func (s *Strand) Environment() *coro.Environment { return s.relay.Environment() }

// strandQueue is the queue of a Strand, first in, first out. Any goroutine pushes tasks. The
// Relay pops them, on one goroutine at a time.
type strandQueue struct {
	mu    sync.Mutex
	queue coro.RunQueue // guarded by mu
	busy  bool          // not idle, in the words of coro.RelayQueue; guarded by mu
}

// Push is part of [coro.RelayQueue].
func (q *strandQueue) Push(t coro.Runnable) (wasIdle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue.Push(t)
	wasIdle = !q.busy
	q.busy = true
	return wasIdle
}

// Pop is part of [coro.RelayQueue].
func (q *strandQueue) Pop() (t coro.Runnable, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, ok = q.queue.Pop()
	q.busy = ok
	return t, ok
}
