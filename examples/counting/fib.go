package main

import "github.com/framearena/framearena/coro"

// fibonacci is the state of fib: it computes number n. Children write first and second.
type fibonacci struct{ n, first, second int32 }

// fib computes a Fibonacci number from the two before it, each computed by a child.
var fib = coro.Define("fib", func(f *coro.Frame[fibonacci, int32]) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 0:
		if s.n < 2 {
			return f.Return(s.n)
		}
		return coro.Await(f, 1, f.Kind(), fibonacci{n: s.n - 1}, &s.first)
	case 1:
		return coro.Await(f, 2, f.Kind(), fibonacci{n: s.n - 2}, &s.second)
	case 2:
		return f.Return(s.first + s.second)
	default:
		return f.BadResume()
	}
})

// tasksOf returns the number of tasks that compute the n-th Fibonacci number, and that
// number.
func tasksOf(n int) (tasks int, number int32) {
	tasks, next := 1, 1 // for n = 0 and for n = 1
	number, after := int32(0), int32(1)
	for range n {
		tasks, next = next, tasks+next+1
		number, after = after, number+after
	}
	return tasks, number
}
