package main

import "github.com/framearena/framearena/task"

// call is visit in plain Go, which is compiled.
func call(t *task.T, b *bank, c customer) error {
	if err := t.Sleep(c.comes); err != nil {
		return err
	}
	if err := b.desks.Acquire(t, 1); err != nil {
		return err
	}
	b.result.served(b.loop.Now(), c)
	if err := t.Sleep(c.service); err != nil {
		return err
	}
	b.desks.Release(1)
	b.result.end = b.loop.Now()
	return nil
}
