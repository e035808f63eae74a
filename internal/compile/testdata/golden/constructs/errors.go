package constructs

import "github.com/framearena/framearena/task"

// twice returns an error alone.
func twice(t *task.T) error {
	if err := t.Yield(); err != nil {
		return err
	}
	return t.Yield()
}
