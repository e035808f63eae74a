package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Fibonacci with fork and join: each task of n > 1 has two children.
var forkFib = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) { return run(ex, forkFibTask.With(fibonacci{n: n})) },
	goroutines: func(n int) int {
		var fib func(n int) int
		fib = func(n int) int {
			if n < 2 {
				return n
			}
			var a, b int
			var children sync.WaitGroup
			children.Go(func() { a = fib(n - 1) })
			children.Go(func() { b = fib(n - 2) })
			children.Wait()
			return a + b
		}
		return fib(n)
	},
}

// The same, but the second call is the task's own: it awaits it while the child that it
// has spawned may run elsewhere.
var forkAwaitFib = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) { return run(ex, forkAwaitFibTask.With(fibonacci{n: n})) },
	goroutines: func(n int) int {
		var fib func(n int) int
		fib = func(n int) int {
			if n < 2 {
				return n
			}
			var a int
			var child sync.WaitGroup
			child.Go(func() { a = fib(n - 1) })
			b := fib(n - 2)
			child.Wait()
			return a + b
		}
		return fib(n)
	},
}

type fibonacci struct {
	children coro.Group
	n, a, b  int
}

var forkFibTask = coro.Define("fork fib", func(f *coro.Frame[fibonacci, int]) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		return f.Return(s.a + s.b)
	case s.n < 2:
		return f.Return(s.n)
	}
	coro.Spawn(f, &s.children, f.Kind(), fibonacci{n: s.n - 1}, &s.a)
	coro.Spawn(f, &s.children, f.Kind(), fibonacci{n: s.n - 2}, &s.b)
	return s.children.Wait(f, 1)
})

var forkAwaitFibTask = coro.Define("fork await fib", func(f *coro.Frame[fibonacci, int]) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		return s.children.Wait(f, 2)
	case f.At() == 2:
		return f.Return(s.a + s.b)
	case s.n < 2:
		return f.Return(s.n)
	}
	coro.Spawn(f, &s.children, f.Kind(), fibonacci{n: s.n - 1}, &s.a)
	return coro.Await(f, 1, f.Kind(), fibonacci{n: s.n - 2}, &s.b)
})

func TestForkFib(t *testing.T) { forkFib.test(t, 0, 1, 2, 10, 18) }

func TestForkAwaitFib(t *testing.T) { forkAwaitFib.test(t, 0, 1, 2, 10, 18) }

// benchFib's operation is fib(25), which has 242,785 calls, or fib(15) with -short.
func benchFib(b *testing.B, p program[int]) {
	if testing.Short() {
		p.benchOf(b, 15, 1973)
		return
	}
	p.benchOf(b, 25, 242_785)
}

func BenchmarkForkFib(b *testing.B) { benchFib(b, forkFib) }

func BenchmarkForkAwaitFib(b *testing.B) { benchFib(b, forkAwaitFib) }
