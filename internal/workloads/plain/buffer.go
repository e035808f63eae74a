package plain

import (
	"sync/atomic"

	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// Buffer is workloads.Buffer.
func Buffer(t *task.T, n int) (sum uint64, err error) {
	c := task.NewChan[int](workloads.BufferRoom)
	var producers atomic.Int32 // that have not ended: the last one closes c
	producers.Store(workloads.BufferEnds)
	var sums [workloads.BufferEnds]uint64
	var ends task.Group
	for i := range sums {
		ends.Go(t, func(t *task.T) error {
			for v := i; v < n; v += workloads.BufferEnds {
				if err := c.Send(t, v); err != nil {
					return err
				}
			}
			if producers.Add(-1) == 0 {
				c.Close()
			}
			return nil
		})
		ends.Go(t, func(t *task.T) error {
			sum := uint64(0)
			for v := range c.All(t) {
				sum += uint64(v)
			}
			sums[i] = sum
			return t.Err()
		})
	}
	err = ends.Wait(t)
	for _, v := range sums {
		sum += v
	}
	return sum, err
}
