package docs_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The first programs of getting-started.md.

// greeting is the state of a task: the variables that it needs after a wait.
type greeting struct {
	times, said int
	pause       time.Duration
}

// greet says hello a number of times, with a pause after each, and returns the number.
var greet = coro.Define("greet", func(f *coro.Frame[greeting, int]) coro.Step {
	s := &f.State
	if f.Err() != nil { // the sleep was cut short
		return f.Fail(f.Err())
	}
	if s.said == s.times {
		return f.Return(s.said)
	}
	s.said++
	fmt.Println("hello", s.said)
	return coro.Sleep(f, 0, s.pause)
})

func Example_greeting() {
	pool := executor.NewPool()
	defer pool.Close()
	n, err := coro.Run(context.Background(), pool, greet.With(greeting{times: 3, pause: time.Millisecond}))
	fmt.Println(n, err)

	// Output:
	// hello 1
	// hello 2
	// hello 3
	// 3 <nil>
}

// visit is the state of a task that awaits another one.
type visit struct {
	greeted int // receives the child's result
}

// call greets, but not for longer than a millisecond.
var call = coro.Define("call", func(f *coro.Frame[visit, string]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		patient := greeting{times: 2, pause: time.Hour}
		return coro.AwaitCall(f, 1, greet.With(patient), &s.greeted, coro.Timeout(time.Millisecond))
	}
	if errors.Is(f.Err(), context.DeadlineExceeded) {
		return f.Return("nobody answers")
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return("they were greeted")
})

func Example_timeout() {
	pool := executor.NewPool()
	defer pool.Close()
	answer, err := coro.Run(context.Background(), pool, call.With(visit{}))
	fmt.Println(answer, err)

	// Output:
	// hello 1
	// nobody answers <nil>
}

// idle sleeps for a minute and ends.
var idle = coro.Define("idle", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 0 {
		return coro.Sleep(f, 1, time.Minute)
	}
	return f.Return(struct{}{})
})

func Example_handle() {
	pool := executor.NewPool()
	defer pool.Close()
	handle, err := coro.Start(pool, idle.With(struct{}{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	handle.Cancel(errors.New("we have to go"))
	_, err = handle.Wait(context.Background())
	fmt.Println(err)

	// Output:
	// we have to go
}

func Example_many() {
	pool := executor.NewPool(executor.WithErrorHandler(func(error) {}))
	defer pool.Close()
	for range 100_000 {
		if err := coro.Go(pool, idle, struct{}{}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(pool.Environment().Live(), "tasks wait")

	// Output:
	// 100000 tasks wait
}
