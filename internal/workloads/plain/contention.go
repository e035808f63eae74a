package plain

import (
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// Contention is workloads.Contention.
func Contention(t *task.T, n int) (int, error) {
	var mu task.Mutex
	number := 0 // guarded by mu
	var adders task.Group
	for i := range workloads.Contenders {
		adders.Go(t, func(t *task.T) error { return add(t, &mu, &number, i, n) })
	}
	err := adders.Wait(t)
	return number, err
}

// add adds 1 to the number for each contender's share of those below n, which begins with first.
func add(t *task.T, mu *task.Mutex, number *int, first, n int) error {
	for k := first; k < n; k += workloads.Contenders {
		if err := mu.Lock(t); err != nil {
			return err
		}
		if *number++; *number%workloads.ContentionYields == 0 {
			if err := t.Yield(); err != nil {
				return err
			}
		}
		mu.Unlock()
	}
	return nil
}
