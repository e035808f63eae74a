package goroutine

import (
	"testing"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

func TestSomething(t *testing.T) {
	pool := executor.NewPool()
	n := 1
	task.Go(pool, task.Do0(func(t *task.T) error {
		_, err := add(t, n, 1)
		return err
	}))
	pool.Close()
}
