package plain

import (
	"time"

	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// Sleepers is workloads.Sleepers.
func Sleepers(t *task.T, n int, spread time.Duration) error {
	var all task.Group
	for i := range n {
		all.Go(t, func(t *task.T) error { return sleep(t, workloads.SleepOf(i, n, spread)) })
		if i%1000 == 999 {
			if err := t.Yield(); err != nil { // a longer step would keep its worker from other tasks
				return err
			}
		}
	}
	return all.Wait(t)
}

func sleep(t *task.T, d time.Duration) error {
	if err := t.Sleep(d); err != nil {
		return err
	}
	workloads.SleepersWoken.Add(1)
	return nil
}
