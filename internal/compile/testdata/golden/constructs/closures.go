package constructs

import "github.com/framearena/framearena/task"

// counts has a variable that a literal changes: its address lives on while it waits.
func counts(t *task.T, each func(func())) (int, error) {
	count := 0
	each(func() { count++ })
	err := t.Yield()
	return count, err
}
