package ordered

import (
	"context"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// Plain is Tasks in plain Go, which is compiled.
func (p *Pipeline) Plain(ex coro.Executor, n int, up *task.Event, started func(), output func(result int)) error {
	room := task.NewSemaphore(p.Window)
	items := task.NewChan[task.Handle[int]](int(p.Window)) // in order; there is always room
	last, err := task.Start(ex, task.Do3(drain, items, room, output))
	if err != nil {
		return err
	}
	start := func(i int) (task.Handle[int], error) { return task.Start(ex, task.Call3(process, p, i, up)) }
	if _, err := task.Run(context.Background(), ex, task.Do4(fill, n, items, room, start)); err != nil {
		last.Cancel(err) // items that were launched still end by themselves
		return err
	}
	started()
	_, err = last.WaitContext(context.Background())
	return err
}

// fill starts an item each time that there is room.
func fill(t *task.T, n int, items *task.Chan[task.Handle[int]], room *task.Semaphore, start func(i int) (task.Handle[int], error)) error {
	for i := range n {
		if err := room.Acquire(t, 1); err != nil {
			return err
		}
		item, err := start(i)
		if err != nil {
			return err
		}
		items.TrySend(item)
	}
	items.Close()
	return nil
}

// drain gives the results out, in the order of the items.
func drain(t *task.T, items *task.Chan[task.Handle[int]], room *task.Semaphore, output func(int)) error {
	for {
		item, err := items.Recv(t)
		if err == task.ErrChanClosed {
			return nil
		}
		if err != nil {
			return err
		}
		result, err := item.Wait(t)
		if err != nil {
			return err
		}
		output(result)
		room.Release(1)
	}
}

// process works on one item.
func process(t *task.T, p *Pipeline, i int, up *task.Event) (int, error) {
	if err := up.Wait(t); err != nil {
		return 0, err
	}
	err := t.Sleep(p.latency(i)) // ask the service
	return work(i), err
}
