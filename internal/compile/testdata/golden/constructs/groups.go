package constructs

import "github.com/framearena/framearena/task"

// both runs two children beside each other.
func both(t *task.T, a, b func(*task.T) error) error {
	var g task.Group
	g.Go(t, a)
	g.Go(t, func(t *task.T) error { return b(t) })
	return g.Wait(t)
}
