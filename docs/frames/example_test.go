// Package frames_test has the programs of docs/pointers.md and docs/elision.md that are about compiled
// functions.
package frames_test

import (
	"context"
	"fmt"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// describe adds numbers, waits, and says what it has found.
func describe(t *task.T, name string, numbers []int) (string, error) {
	sum := 0
	for _, n := range numbers {
		sum += n
	}
	count := len(numbers)
	if err := t.Sleep(time.Millisecond); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %d in %d numbers", name, sum, count), nil
}

// countUp has a variable that a literal captures and changes.
func countUp(t *task.T) (int, error) {
	n := 0
	increment := func() { n++ }
	increment()
	if err := t.Yield(); err != nil {
		return 0, err
	}
	return n, nil
}

func Example_describe() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call2(describe, "odd", []int{1, 3, 5})))
	fmt.Println(task.Run(context.Background(), pool, task.Call0(countUp)))

	// Output:
	// odd: 9 in 3 numbers <nil>
	// 1 <nil>
}

func square(_ *task.T, n int) int { return n * n }

// pause sleeps for n milliseconds, if n is not 0.
func pause(t *task.T, n int) error {
	if n == 0 {
		return nil
	}
	return t.Sleep(time.Duration(n) * time.Millisecond)
}

// pauses calls pause n times, each time beside the others.
func pauses(t *task.T, n, milliseconds int) error {
	var g task.Group
	for range n {
		g.Go(t, func(t *task.T) error { return pause(t, square(t, milliseconds)) })
	}
	return g.Wait(t)
}

func Example_frames() {
	ex := executor.NewInline()
	defer ex.Close()
	for _, milliseconds := range []int{0, 1} {
		frames := arena.NewCounting(ex.Arena())
		if _, err := task.Run(context.Background(), ex, task.Do2(pauses, 100, milliseconds), task.Allocator(frames)); err != nil {
			fmt.Println(err)
		}
		fmt.Println(frames.Stats().Allocated == 1, frames.Stats().Allocated > 100)
	}

	// Output:
	// true false
	// false true
}
