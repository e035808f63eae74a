package docs_test

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// The program of getting-started.md that has many tasks.

// member waits for an hour, after it has said that it is there.
func member(t *task.T, there *sync.WaitGroup) error {
	there.Done()
	return t.Sleep(time.Hour)
}

func Example_many() {
	pool := executor.NewPool(executor.WithErrorHandler(func(error) {}))
	defer pool.Close()
	const members = 10_000
	var there sync.WaitGroup
	there.Add(members)
	for range members {
		if err := task.Go(pool, task.Do1(member, &there)); err != nil {
			fmt.Println(err)
			return
		}
	}
	there.Wait()
	fmt.Println(members, "tasks wait, and there are", runtime.NumGoroutine(), "goroutines")
}
