package coro_test

import (
	"context"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The program of README.md.

// sum is the state of a task: the variables that live from step to step. It is a plain
// struct in the task's frame.
type sum struct {
	next, last int
	square     int // receives the child's result
	total      int
}

var squared = coro.Define("squared", func(f *coro.Frame[int, int]) coro.Step {
	return f.Return(f.State * f.State)
})

// A step function runs when its task begins, and again each time when the child that the
// task awaits has ended. At returns the resume point: 0 at the beginning, then the number
// that was given to Await.
var sumOfSquares = coro.Define("sum of squares", func(f *coro.Frame[sum, int]) coro.Step {
	s := &f.State
	if f.At() == 1 {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		s.total += s.square
		s.next++
	}
	if s.next > s.last {
		return f.Return(s.total)
	}
	return coro.Await(f, 1, squared, s.next, &s.square)
})

func Example_readme() {
	pool := executor.NewPool()
	defer pool.Close()
	total, err := coro.Run(context.Background(), pool, sumOfSquares.With(sum{next: 1, last: 10}))
	fmt.Println(total, err) // 385 <nil>

	// Output:
	// 385 <nil>
}
