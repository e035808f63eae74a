package task_test

import (
	"context"
	"fmt"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// squared is a task function: its first parameter is a *task.T, by which it waits.
func squared(t *task.T, n int) (int, error) {
	if err := t.Sleep(time.Millisecond); err != nil {
		return 0, err // the context has ended
	}
	return n * n, nil
}

// sumOfSquares calls another task function, with its own t. While that sleeps, both are frames in
// the arena, and no goroutine waits.
func sumOfSquares(t *task.T, last int) (sum int, err error) {
	for n := 1; n <= last; n++ {
		square, err := squared(t, n)
		if err != nil {
			return 0, fmt.Errorf("square of %d: %w", n, err)
		}
		sum += square
	}
	return sum, nil
}

func Example_squares() {
	pool := executor.NewPool()
	defer pool.Close()
	sum, err := task.Run(context.Background(), pool, task.Call1(sumOfSquares, 10))
	fmt.Println(sum, err) // 385 <nil>
	// Output: 385 <nil>
}
