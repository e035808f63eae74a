package constructs

import "github.com/framearena/framearena/task"

// counter has a method that can be called through an interface.
type counter struct{ n int }

func (c *counter) add(t *task.T, by int) error {
	err := t.Yield()
	c.n += by
	return err
}
