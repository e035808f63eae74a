package constructs

import "github.com/framearena/framearena/task"

// halves has several results.
func halves(t *task.T, s string) (left, right string, err error) {
	err = t.Yield()
	return s[:len(s)/2], s[len(s)/2:], err
}

func swapped(t *task.T, s string) (string, error) {
	left, right, err := halves(t, s)
	return right + left, err
}
