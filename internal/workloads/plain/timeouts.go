package plain

import (
	"time"

	"github.com/framearena/framearena/task"
)

// Timeouts is workloads.Timeouts.
func Timeouts(t *task.T, n int) (sum int, err error) {
	for i := range n {
		err := task.Timeout(t, time.Hour, func(t *task.T) error {
			v, err := noTime(t, i)
			sum += v
			return err
		})
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// noTime returns v. It could wait, but does not.
//
//go:noinline
func noTime(t *task.T, v int) (int, error) {
	if v < 0 {
		return 0, t.Yield()
	}
	return v, nil
}
