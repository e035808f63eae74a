package plain

import (
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// FanOutIn is workloads.FanOutIn.
func FanOutIn(t *task.T, n int, work func(uint64) uint64) (sum uint64, err error) {
	jobs, results := task.NewChan[uint64](workloads.FanRoom), task.NewChan[uint64](workloads.FanRoom)
	var parts task.Group
	parts.Go(t, func(t *task.T) error {
		for i := range n {
			if err := jobs.Send(t, uint64(i)); err != nil {
				return err
			}
		}
		jobs.Close()
		return nil
	})
	parts.Go(t, func(t *task.T) error {
		var workers task.Group
		for range workloads.FanWorkers {
			workers.Go(t, func(t *task.T) error {
				for job := range jobs.All(t) {
					if err := results.Send(t, work(job)); err != nil {
						return err
					}
				}
				return t.Err()
			})
		}
		err := workers.Wait(t)
		results.Close()
		return err
	})
	for r := range results.All(t) {
		sum += r
	}
	return sum, parts.Wait(t)
}
