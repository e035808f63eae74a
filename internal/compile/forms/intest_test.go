package forms

import (
	"fmt"

	"github.com/framearena/framearena/task"
)

// inTest is a task function of a test file.
func inTest(t *task.T, s *script, n int) (string, error) {
	k, err := value(t, s, n)
	if err != nil {
		return "", err
	}
	double := func(t *task.T) int { return 2 * must(t, s, k) }
	return fmt.Sprint(double(t)), nil
}
