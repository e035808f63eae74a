package plain

import "github.com/framearena/framearena/task"

// Busy begins children that do not wait, one after the other, until ended returns true.
func Busy(t *task.T, ended func() bool) error {
	for !ended() {
		var g task.Group
		g.Go(t, func(*task.T) error { return nil })
		if err := g.Wait(t); err != nil {
			return err
		}
	}
	return nil
}
