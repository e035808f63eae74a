package main

import (
	"time"

	"github.com/framearena/framearena/task"
)

// add is sum in plain Go, which is compiled. It returns the sum of n items from first on.
func add(t *task.T, first, n int64, takes time.Duration) (int64, error) {
	switch n {
	case 0:
		return 0, nil
	case 1:
		return first, t.Sleep(takes)
	}
	var left, right int64
	var halves task.Group
	halves.SetPolicy(task.FirstError)
	half := n / 2
	halves.Go(t, func(t *task.T) (err error) {
		left, err = add(t, first, half, takes)
		return err
	})
	halves.Go(t, func(t *task.T) (err error) {
		right, err = add(t, first+half, n-half, takes)
		return err
	})
	err := halves.Wait(t) // an error if there is no memory, or the client has disconnected
	return left + right, err
}
