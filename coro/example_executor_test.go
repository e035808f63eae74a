package coro_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// thread is an executor of one goroutine.
type thread struct {
	env  *coro.Environment
	done sync.WaitGroup

	mu     sync.Mutex // guards what follows
	posted sync.Cond
	queue  coro.RunQueue
	closed bool // the goroutine ends when the queue is empty
	gone   bool // it has
}

func newThread(a *arena.Arena) *thread {
	e := new(thread)
	e.posted.L = &e.mu
	e.env = coro.NewEnvironment(e, a, nil)
	e.done.Go(func() {
		w := coro.NewWorker(a)
		defer w.Close()
		for task, ok := e.next(); ok; task, ok = e.next() {
			w.Run(task)
		}
	})
	return e
}

func (e *thread) Environment() *coro.Environment { return e.env }

func (e *thread) Post(t coro.Runnable) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.gone {
		return errThreadClosed
	}
	e.queue.Push(t)
	e.posted.Signal()
	return nil
}

// next waits for a task; ok is false when the queue is empty and closed.
func (e *thread) next() (t coro.Runnable, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.queue.Len() == 0 && !e.closed {
		e.posted.Wait()
	}
	t, ok = e.queue.Pop()
	e.gone = !ok
	return t, ok
}

var errThreadClosed = errors.New("thread: closed")

// close refuses launches, runs the tasks in the queue, ends the goroutine and
// cancels the tasks that wait.
func (e *thread) close() {
	e.env.Close(errThreadClosed)
	e.mu.Lock()
	e.closed = true
	e.posted.Signal()
	e.mu.Unlock()
	e.done.Wait()
	e.env.CancelWaiting(errThreadClosed)
}

var Square = coro.Define("square", func(f *coro.Frame[int, int]) coro.Step {
	if f.At() == 0 {
		return coro.Yield(f, 1) // back into the queue
	}
	return f.Return(f.State * f.State)
})

// An executor of your own needs a queue, two methods, and a goroutine that owns
// a Worker.
func Example_executor() {
	a, err := arena.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	ex := newThread(a)
	fmt.Println(coro.Run(context.Background(), ex, Square.With(12)))
	ex.close()
	fmt.Println(a.Close())

	// Output:
	// 144 <nil>
	// <nil>
}
