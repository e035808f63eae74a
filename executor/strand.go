package executor

import (
	"sync"

	"github.com/framearena/framearena/coro"
)

// Strand runs tasks on another executor, its base, so that they never overlap, and in
// the order in which they are posted: state that only tasks of one Strand use needs no
// lock. A task gives way to the others of its Strand when it yields or waits, and goes
// to the end of the queue when it is ready again.
//
// A Strand costs no goroutine, and a post to it allocates nothing. To its base, all of
// its tasks are one that yields after some of them have run, so a Strand keeps at most
// one worker busy, and does not keep it from the base's other tasks. Any goroutine may
// use a Strand, and the base may be any executor, also another Strand.
//
// A Strand has no Close: it takes tasks as long as its base does, the tasks end as those
// of the base do when that is closed, and one that is forgotten is collected when its
// last task has ended.
type Strand struct{ relay *coro.Relay }

// NewStrand returns a Strand on base. Without [WithErrorHandler] its tasks have the
// error handler of the base.
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

// strandQueue is first in, first out.
type strandQueue struct {
	mu    sync.Mutex
	queue coro.RunQueue // guarded by mu
	busy  bool          // not idle; guarded by mu
}

func (q *strandQueue) Push(t coro.Runnable) (wasIdle bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue.Push(t)
	wasIdle = !q.busy
	q.busy = true
	return wasIdle
}

func (q *strandQueue) Pop() (t coro.Runnable, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, ok = q.queue.Pop()
	q.busy = ok
	return t, ok
}
