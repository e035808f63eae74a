package main

import (
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// crew is an executor: some goroutines that take tasks from one queue, first come, first
// served. Any goroutine may use it.
type crew struct {
	env     *coro.Environment
	running sync.WaitGroup // workers

	mu     sync.Mutex // guards what follows
	posted sync.Cond  // there is a task, or the crew is closed
	queue  coro.RunQueue
	closed bool
}

// newCrew returns a crew of so many goroutines. Frames, unless a launch says otherwise, are
// from the arena, and so is what sleeping tasks may need beside their frames.
func newCrew(goroutines int, a *arena.Arena) *crew {
	c := new(crew)
	c.posted.L = &c.mu
	c.env = coro.NewEnvironment(c, a, nil)
	c.running.Add(goroutines)
	for range goroutines {
		go c.work(coro.NewWorker(a))
	}
	return c
}

// Environment returns the environment of tasks launched without options.
func (c *crew) Environment() *coro.Environment { return c.env }

// Post queues a task that is ready. Steps post too, so it must not wait for room.
func (c *crew) Post(t coro.Runnable) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return executor.ErrClosed
	}
	c.queue.Push(t)
	c.posted.Signal()
	return nil
}

// work gives each task that was posted one Run or one Cancel.
func (c *crew) work(w *coro.Worker) {
	ended := false
	defer func() {
		if !ended {
			go c.work(w) // a step has called runtime.Goexit: another goroutine goes on
			return
		}
		w.Close()
		c.running.Done()
	}()
	for {
		switch t, ok, closed := c.next(); {
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

// next waits for a task. There is none, ok is false, when the crew is closed and the queue
// empty.
func (c *crew) next() (t coro.Runnable, ok, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.queue.Len() == 0 && !c.closed {
		c.posted.Wait()
	}
	t, ok = c.queue.Pop()
	return t, ok, c.closed
}

// Close cancels what has not ended. No frame is live when it returns. It must not be called
// in a step, for whose end it waits.
func (c *crew) Close() {
	c.env.Close(executor.ErrClosed) // nobody is in the middle of a launch any more,
	c.mu.Lock()
	c.closed = true
	c.posted.Broadcast()
	c.mu.Unlock()
	c.running.Wait()                        // nor in a step, the queue is empty,
	c.env.CancelWaiting(executor.ErrClosed) // and nothing waits
}
