package executor

import (
	"errors"

	"github.com/framearena/framearena/coro"
)

// ErrClosed is the error of posting to a closed executor, and of tasks that an
// executor cancels because it is closed.
var ErrClosed = errors.New("executor: closed")

// cancelAll cancels all tasks in the queue of an executor that is closed.
func cancelAll(q *coro.RunQueue, w *coro.Worker) {
	for {
		t, ok := q.Pop()
		if !ok {
			return
		}
		w.Cancel(t, ErrClosed)
	}
}
