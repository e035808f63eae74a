package executor_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// thread runs tasks on one goroutine.
type thread struct {
	env    *coro.Environment
	worker sync.WaitGroup
	mu     sync.Mutex // guards what follows
	posted sync.Cond
	queue  coro.RunQueue
	closed bool
}

func newThread(a *arena.Arena) *thread {
	e := new(thread)
	e.posted.L = &e.mu
	e.env = coro.NewEnvironment(e, a, nil)
	e.worker.Go(func() { e.work(coro.NewWorker(a)) })
	return e
}

func (e *thread) Environment() *coro.Environment { return e.env }

func (e *thread) Post(t coro.Runnable) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return executor.ErrClosed
	}
	e.queue.Push(t)
	e.posted.Signal()
	return nil
}

func (e *thread) work(w *coro.Worker) {
	defer w.Close()
	for {
		t, ok, closed := e.next()
		switch {
		case !ok:
			return
		case closed:
			w.Cancel(t, executor.ErrClosed)
		default:
			w.Run(t)
		}
	}
}

func (e *thread) next() (t coro.Runnable, ok, closed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.queue.Len() == 0 && !e.closed {
		e.posted.Wait()
	}
	t, ok = e.queue.Pop()
	return t, ok, e.closed
}

func (e *thread) Close() {
	e.env.Close(executor.ErrClosed) // waits until no launch is under way
	e.mu.Lock()
	e.closed = true
	e.posted.Signal()
	e.mu.Unlock()
	e.worker.Wait()                         // no step is running, and the queue is empty
	e.env.CancelWaiting(executor.ErrClosed) // no task waits
}

// An executor of your own is a queue and a goroutine that owns a Worker.
func Example_yourOwn() {
	a, err := arena.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	square := coro.Define("square", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1) // back into the queue
		}
		return f.Return(f.State * f.State)
	})
	ex := newThread(a)
	fmt.Println(coro.Run(context.Background(), ex, square.With(12)))
	ex.Close()
	fmt.Println(a.Close()) // an error if a frame was live

	// Output:
	// 144 <nil>
	// <nil>
}
