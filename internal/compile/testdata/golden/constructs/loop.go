package constructs

import "github.com/framearena/framearena/task"

// loop waits for a function of its own kind in each iteration.
func loop(t *task.T, n int) (sum int, err error) {
	for i := range n {
		k, err := straight(t, i, 1)
		if err != nil {
			return sum, err
		}
		sum += k
	}
	return sum, nil
}
