package crowd

import (
	"context"
	"errors"
	"runtime"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
)

type none = struct{}

// gate is the event that idle tasks wait for. It cannot be in their frames, which hold no Go
// pointers.
var gate coro.Event

var (
	idleTask = coro.Define("idle", func(f *coro.Frame[workloads.Activity, none]) coro.Step {
		if f.At() == 0 {
			begin(&f.State)
			return gate.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		end(&f.State)
		return f.Return(none{})
	})

	// busyTask's held part has the channel of its requests, and the current request.
	busyTask = coro.DefineHeld("busy", func(f *coro.Frame[none, none], held *busyHeld) coro.Step {
		switch {
		case errors.Is(f.Err(), coro.ErrChanClosed):
			return f.Return(none{})
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			held.request.serve()
		}
		return held.requests.Recv(f, 1, &held.request)
	})
)

type busyHeld struct {
	requests *coro.Chan[request]
	request  request
}

// taskCrowd is a crowd of tasks on a Pool.
type taskCrowd struct {
	pool *executor.Pool
	busy []*coro.Chan[request]
}

func newTaskCrowd() crowd { return &taskCrowd{pool: executor.NewPool()} }

func (c *taskCrowd) open(busy int) error {
	for range busy {
		requests := coro.NewChan[request](busyRoom)
		if err := coro.GoHeld(c.pool, busyTask, none{}, busyHeld{requests: requests}); err != nil {
			return err
		}
		c.busy = append(c.busy, requests)
	}
	return nil
}

func (c *taskCrowd) create(n int) error {
	for id := range n {
		if err := coro.Go(c.pool, idleTask, workloads.Activity{ID: uint64(id) + 1}); err != nil {
			return err
		}
	}
	await(&begun, n)
	return nil
}

func (c *taskCrowd) request(busy int, r request) {
	for !c.busy[busy].TrySend(r) {
		runtime.Gosched()
	}
}

func (c *taskCrowd) finish() { gate.Set() }

func (c *taskCrowd) close() error {
	for _, requests := range c.busy {
		requests.Close()
	}
	if err := c.pool.Drain(context.Background()); err != nil {
		return err
	}
	gate.Reset()
	return c.pool.Close()
}
