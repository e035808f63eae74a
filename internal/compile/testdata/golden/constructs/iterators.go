package constructs

import (
	"iter"

	"github.com/framearena/framearena/task"
)

// drain ranges over a function.
func drain(t *task.T, numbers iter.Seq[int]) error {
	for range numbers {
		if err := t.Yield(); err != nil {
			return err
		}
	}
	return nil
}
