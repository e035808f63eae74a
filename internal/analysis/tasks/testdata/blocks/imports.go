package blocks

import (
	wait "time"

	tasks "github.com/framearena/framearena/task"
)

// unused has the only use of package time, so there is no fix.
func unused(t *tasks.T, n int, out chan int) error {
	wait.Sleep(1) // want `wait.Sleep blocks`
	out <- n      // want `a send to out blocks`
	return nil
}
