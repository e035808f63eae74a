package docs_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// The first programs of getting-started.md.

// greet says hello a number of times, with a pause after each, and returns the number.
func greet(t *task.T, times int, pause time.Duration) (said int, err error) {
	for said < times {
		said++
		fmt.Println("hello", said)
		if err := t.Sleep(pause); err != nil {
			return said, err // the context has ended
		}
	}
	return said, nil
}

func Example_greeting() {
	pool := executor.NewPool()
	defer pool.Close()
	n, err := task.Run(context.Background(), pool, task.Call2(greet, 3, time.Millisecond))
	fmt.Println(n, err)

	// Output:
	// hello 1
	// hello 2
	// hello 3
	// 3 <nil>
}

// visit greets twice, and then once more, but for a millisecond at most.
func visit(t *task.T) (string, error) {
	if _, err := greet(t, 2, time.Millisecond); err != nil {
		return "", err
	}
	err := task.Timeout(t, time.Millisecond, func(t *task.T) error {
		_, err := greet(t, 1, time.Hour)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return "nobody answers", nil
	}
	return "they were greeted", err
}

func Example_timeout() {
	pool := executor.NewPool()
	defer pool.Close()
	answer, err := task.Run(context.Background(), pool, task.Call0(visit))
	fmt.Println(answer, err)

	// Output:
	// hello 1
	// hello 2
	// hello 1
	// nobody answers <nil>
}

// idle sleeps for a minute.
func idle(t *task.T) error { return t.Sleep(time.Minute) }

func Example_handle() {
	pool := executor.NewPool()
	defer pool.Close()
	handle, err := task.Start(pool, task.Do0(idle))
	if err != nil {
		fmt.Println(err)
		return
	}
	handle.Cancel(errors.New("we have to go"))
	_, err = handle.WaitContext(context.Background())
	fmt.Println(err)

	// Output:
	// we have to go
}
