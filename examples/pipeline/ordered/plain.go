package ordered

import "github.com/framearena/framearena/task"

// Plain runs the items through the pipeline, in plain Go, which is compiled: each item is a task.
func (p *Pipeline) Plain(t *task.T, up *task.Event) error {
	items := task.NewChan[*pending](p.Window - 1) // in order
	var all task.Group
	all.Go(t, func(t *task.T) error {
		defer items.Close()
		for i := range p.Items {
			next := &pending{pipeline: p, up: up, i: i}
			if err := items.Send(t, next); err != nil {
				return err
			}
			all.Go(t, next.process)
		}
		p.Started()
		return nil
	})
	for item := range items.All(t) {
		if item.done.Wait(t) != nil {
			break
		}
		p.Output(item.result)
	}
	return all.Wait(t)
}

// pending is an item, which has its result when it is done.
type pending struct {
	pipeline *Pipeline
	up       *task.Event
	i        int
	result   int
	done     task.Event
}

// process works on the item.
func (it *pending) process(t *task.T) error {
	if err := it.up.Wait(t); err != nil {
		return err
	}
	if err := t.Sleep(it.pipeline.latency(it.i)); err != nil { // ask the service
		return err
	}
	it.result = work(it.i)
	it.done.Set()
	return nil
}
