package main

import (
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// pool is an executor: several goroutines that take tasks from one queue, first in, first
// out. Any goroutine may use it.
type pool struct {
	env     *coro.Environment
	running sync.WaitGroup // of the workers

	mu     sync.Mutex // guards the fields below
	posted sync.Cond  // signals that there is a task, or that the pool is closed
	queue  coro.RunQueue
	closed bool
}

// newPool returns a pool with the given number of goroutines. Frames come from the arena,
// unless a launch has an allocator of its own, and so does other memory that sleeping tasks
// need.
func newPool(goroutines int, a *arena.Arena) *pool {
	p := new(pool)
	p.posted.L = &p.mu
	p.env = coro.NewEnvironment(p, a, nil)
	p.running.Add(goroutines)
	for range goroutines {
		go p.work(coro.NewWorker(a))
	}
	return p
}

// Environment returns the environment of tasks that are launched without options.
func (p *pool) Environment() *coro.Environment { return p.env }

// Post queues a task that is ready to run. Steps call it too, so it must not block.
func (p *pool) Post(t coro.Runnable) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return executor.ErrClosed
	}
	p.queue.Push(t)
	p.posted.Signal()
	return nil
}

// work calls Run or Cancel once for each task that it takes from the queue.
func (p *pool) work(w *coro.Worker) {
	ended := false
	defer func() {
		if !ended {
			go p.work(w) // a step has called runtime.Goexit: continue on a new goroutine
			return
		}
		w.Close()
		p.running.Done()
	}()
	for {
		switch t, ok, closed := p.next(); {
		case !ok:
			ended = true
			return
		case closed:
			w.Cancel(t, executor.ErrClosed)
		default:
			w.Run(t)
		}
	}
}

// next waits for a task. ok is false if there is none: the pool is closed, and the queue is
// empty.
func (p *pool) next() (t coro.Runnable, ok, closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.queue.Len() == 0 && !p.closed {
		p.posted.Wait()
	}
	t, ok = p.queue.Pop()
	return t, ok, p.closed
}

// Close cancels the tasks that have not ended. No frame is live when it returns. Steps must
// not call it, because it waits for their end.
func (p *pool) Close() {
	p.env.Close(executor.ErrClosed) // from here on no launch is in progress
	p.mu.Lock()
	p.closed = true
	p.posted.Broadcast()
	p.mu.Unlock()
	p.running.Wait()                        // from here on no step runs, and the queue is empty
	p.env.CancelWaiting(executor.ErrClosed) // from here on no task waits
}
