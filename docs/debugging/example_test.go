// Package debugging_test has the programs of docs/debugging.md. They are compiled.
package debugging_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// fetch waits until the network is there.
func fetch(t *task.T, item int, network *task.Event) error {
	if err := network.Wait(t); err != nil {
		return err
	}
	if item == 3 {
		panic("no such item")
	}
	return nil
}

func fetchAll(t *task.T, items []int, network *task.Event) error {
	for _, item := range items {
		if err := fetch(t, item, network); err != nil {
			return err
		}
	}
	return nil
}

func Example_suspended() {
	ex := executor.NewInline()
	defer ex.Close()
	if err := task.Go(ex, task.Do2(fetchAll, []int{1, 2}, new(task.Event))); err != nil {
		fmt.Println(err)
		return
	}
	for g := range ex.Environment().Waiting() {
		fmt.Println(g.What)
		fmt.Print(g.Backtrace)
	}

	// Output:
	// Event.Wait
	// fetch
	// 	example_test.go:16
	// fetchAll
	// 	example_test.go:26
}

func Example_panic() {
	pool := executor.NewPool()
	defer pool.Close()
	network := new(task.Event)
	network.Set()
	_, err := task.Run(context.Background(), pool, task.Do2(fetchAll, []int{1, 2, 3}, network))
	var panicked *coro.PanicError
	if errors.As(err, &panicked) {
		fmt.Println("panic:", panicked.Value)
		fmt.Print(panicked.Backtrace)
	}

	// Output:
	// panic: no such item
	// fetchAll
	// 	example_test.go:26
}

func Example_panicOfASuspendedTask() {
	ex := executor.NewInline()
	defer ex.Close()
	network := new(task.Event)
	h, err := task.Start(ex, task.Do2(fetchAll, []int{3, 4}, network))
	if err != nil {
		fmt.Println(err)
		return
	}
	network.Set()
	_, err = h.WaitContext(context.Background())
	tasks, stack, _ := strings.Cut(err.Error(), "\ngoroutine ")
	fmt.Println(tasks)
	fmt.Println(strings.Contains(stack, "fetchStep("), strings.Contains(stack, "example_test.go:21 "))

	// Output:
	// coro: panic in a step: no such item
	//
	// tasks, the innermost first:
	// fetch
	// 	example_test.go:16
	// fetchAll
	// 	example_test.go:26
	//
	// true true
}
