package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// The programs of docs/tasks.md.

// watch reports a change of the temperature until its context ends.
func watch(t *task.T, read func() float64, report func(float64)) error {
	last := read()
	for {
		if err := t.Sleep(time.Millisecond); err != nil {
			return err // the cause of the end of the context
		}
		if now := read(); now != last {
			report(now)
			last = now
		}
	}
}

func Example_wait() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx, cancel := context.WithCancel(context.Background())
	degrees := 20.0
	read := func() float64 { degrees += 0.5; return min(degrees, 21) }
	report := func(now float64) {
		fmt.Println(now)
		cancel()
	}
	_, err := task.Run(ctx, pool, task.Do2(watch, read, report))
	fmt.Println(err)
	// Output:
	// 21
	// context canceled
}

// total adds what several sources say. The first error cancels the others.
func total(t *task.T, sources []func(*task.T) (int, error)) (sum int, err error) {
	var g task.Group
	g.SetPolicy(task.FirstError)
	values := make([]int, len(sources))
	for i, source := range sources {
		g.Go(t, func(t *task.T) (err error) {
			values[i], err = source(t)
			return err
		})
	}
	if err := g.Wait(t); err != nil {
		return 0, err
	}
	for _, v := range values {
		sum += v
	}
	return sum, nil
}

func one(*task.T) (int, error)   { return 1, nil }
func two(t *task.T) (int, error) { return 2, t.Sleep(time.Millisecond) }
func never(t *task.T) (int, error) {
	return 0, t.Sleep(time.Hour)
}

func ExampleGroup() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sum, err := task.Run(ctx, pool, task.Call1(total, []func(*task.T) (int, error){one, two}))
	fmt.Println(sum, err)
	// Output: 3 <nil>
}

// patient asks a source, for a millisecond at most.
func patient(t *task.T, source func(*task.T) (int, error)) (value int, err error) {
	err = task.Timeout(t, time.Millisecond, func(t *task.T) (err error) {
		value, err = source(t)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return -1, nil
	}
	return value, err
}

func ExampleTimeout() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call1(patient, never)))
	fmt.Println(task.Run(context.Background(), pool, task.Call1(patient, one)))
	// Output:
	// -1 <nil>
	// 1 <nil>
}
