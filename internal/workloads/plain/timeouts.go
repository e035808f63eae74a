package plain

import (
	"time"

	"github.com/framearena/framearena/task"
)

// Timeouts is workloads.Timeouts.
func Timeouts(t *task.T, n int) (sum int, err error) {
	for i := range n {
		result := 0
		err := task.Timeout(t, time.Hour, func(t *task.T) (err error) {
			result, err = quick(t, i)
			return err
		})
		if err != nil {
			return sum, err
		}
		sum += result
	}
	return sum, nil
}

// quick could wait, but does not: the context has not ended.
//
//go:noinline
func quick(t *task.T, v int) (int, error) {
	if v < 0 {
		return 0, t.Yield()
	}
	return v, nil
}
