package coro_test

import (
	"context"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The program of README.md.

// What a task remembers from step to step is its state: a plain struct, which
// lives in the task's frame.
type sum struct {
	next, last int
	square     int // the child's result goes here
	total      int
}

var squared = coro.Define("squared", func(f *coro.Frame[int, int]) coro.Step {
	return f.Return(f.State * f.State)
})

// A step function is called to begin the task, and again when what it awaited
// has ended; At says where to go on.
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
