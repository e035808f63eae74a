package goroutine

import (
	"fmt"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

func Example() {
	pool := executor.NewPool()
	n := 1
	task.Go(pool, task.Do0(func(t *task.T) error { // want `Example.func1 runs on a goroutine`
		_, err := add(t, n, 1)
		return err
	}))
	pool.Close()
	fmt.Println(n)
}
