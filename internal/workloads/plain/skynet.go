package plain

import "github.com/framearena/framearena/task"

// Skynet is a tree of tasks, each with ten children down to the leaves, which number num to
// num+size-1. It returns the sum of the leaves' numbers.
func Skynet(t *task.T, num, size int) (int, error) {
	if size == 1 {
		return num, nil
	}
	var g task.Group
	var sums [10]int
	for i := range sums {
		g.Go(t, func(t *task.T) error {
			sum, err := Skynet(t, num+i*size/10, size/10)
			sums[i] = sum
			return err
		})
	}
	err := g.Wait(t)
	total := 0
	for _, s := range sums {
		total += s
	}
	return total, err
}
