package constructs

import "github.com/framearena/framearena/task"

// straight has something to keep while it waits, and something that it does not need any more.
func straight(t *task.T, a, b int) (int, error) {
	sum := a + b
	if err := t.Yield(); err != nil {
		return 0, err
	}
	return sum, nil
}
