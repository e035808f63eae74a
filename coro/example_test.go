package coro_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

func ExampleRunAsync() {
	greet := coro.Define("greet", func(f *coro.Frame[int, struct{}]) coro.Step {
		fmt.Println("hello from task", f.State)
		return f.Return(struct{}{})
	})
	ex := executor.NewInline()
	defer ex.Close()

	if err := coro.RunAsync(ex)(greet.With(1)); err != nil {
		fmt.Println(err)
	}

	// Output:
	// hello from task 1
}

func ExampleRun() {
	type division struct{ dividend, divisor int }
	divide := coro.Define("divide", func(f *coro.Frame[division, int]) coro.Step {
		if f.State.divisor == 0 {
			return f.Fail(errors.New("division by zero"))
		}
		return f.Return(f.State.dividend / f.State.divisor)
	})
	pool := executor.NewPool()
	defer pool.Close()

	fmt.Println(coro.Run(context.Background(), pool, divide.With(division{42, 6})))
	fmt.Println(coro.Run(context.Background(), pool, divide.With(division{42, 0})))

	// Output:
	// 7 <nil>
	// 0 division by zero
}

func ExampleGo() {
	count := coro.Define("count", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.State == 0 {
			return f.Fail(errors.New("nothing left to count"))
		}
		fmt.Println(f.State)
		f.State--
		return coro.Yield(f, 0)
	})
	ex := executor.NewInline(executor.WithErrorHandler(func(err error) { fmt.Println("handler:", err) }))
	defer ex.Close()

	if err := coro.Go(ex, count, 2); err != nil {
		fmt.Println(err)
	}

	// Output:
	// 2
	// 1
	// handler: nothing left to count
}

func ExampleAwait() {
	type word struct{ letters [8]byte }
	length := coro.Define("length", func(f *coro.Frame[word, int]) coro.Step {
		n := 0
		for n < len(f.State.letters) && f.State.letters[n] != 0 {
			n++
		}
		return f.Return(n)
	})
	type phrase struct{ first, second int }
	measure := coro.Define("measure", func(f *coro.Frame[phrase, int]) coro.Step {
		switch s := &f.State; f.At() {
		case 0:
			return coro.Await(f, 1, length, word{[8]byte{'f', 'r', 'a', 'm', 'e'}}, &s.first)
		case 1:
			return coro.Await(f, 2, length, word{[8]byte{'s', 'l', 'a', 'b'}}, &s.second)
		default:
			return f.Return(s.first + s.second)
		}
	})
	ex := executor.NewInline()
	defer ex.Close()

	fmt.Println(coro.Run(context.Background(), ex, measure.With(phrase{})))

	// Output:
	// 9 <nil>
}

// An allocator given at launch serves the whole tree of tasks, and no other tree.
func ExampleAllocator() {
	leaf := coro.Define("leaf", func(f *coro.Frame[[300]byte, struct{}]) coro.Step {
		return f.Return(struct{}{})
	})
	root := coro.Define("root", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.State == 0 {
			return f.Return(struct{}{})
		}
		f.State--
		return coro.Await(f, 0, leaf, [300]byte{}, nil)
	})
	ex := executor.NewInline()
	defer ex.Close()

	counting := arena.NewCounting(ex.Arena())
	launch := coro.RunAsync(ex, coro.Allocator(counting))
	if err := launch(root.With(5)); err != nil {
		fmt.Println(err)
	}
	if err := coro.Go(ex, root, 100); err != nil { // not counted
		fmt.Println(err)
	}

	stats := counting.Stats()
	fmt.Println("frames:", stats.Allocated)
	fmt.Println("bytes left:", stats.Bytes)

	// Output:
	// frames: 6
	// bytes left: 0
}

// A task that awaits others of its own kind takes the kind from its frame.
func ExampleFrame_Kind() {
	type fib struct{ n, a, b int }
	fibonacci := coro.Define("fibonacci", func(f *coro.Frame[fib, int]) coro.Step {
		switch s := &f.State; {
		case s.n < 2:
			return f.Return(s.n)
		case f.At() == 0:
			return coro.Await(f, 1, f.Kind(), fib{n: s.n - 1}, &s.a)
		case f.At() == 1:
			return coro.Await(f, 2, f.Kind(), fib{n: s.n - 2}, &s.b)
		default:
			return f.Return(s.a + s.b)
		}
	})
	ex := executor.NewInline()
	defer ex.Close()

	fmt.Println(coro.Run(context.Background(), ex, fibonacci.With(fib{n: 20})))

	// Output:
	// 6765 <nil>
}

func ExampleContext() {
	wait := coro.Define("wait", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		return coro.Yield(f, 0)
	})
	ex := executor.NewInline()
	defer ex.Close()

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	report := coro.OnError(func(err error) { fmt.Println("ended:", err) })
	if err := coro.RunAsync(ex, coro.Context(ctx), report)(wait.With(struct{}{})); err != nil {
		fmt.Println(err)
	}

	// Output:
	// ended: context canceled
}

// A panic in a step is an error like any other to the task that awaits.
func ExamplePanicError() {
	careless := coro.Define("careless", func(f *coro.Frame[int, int]) coro.Step {
		return f.Return(100 / f.State)
	})
	ex := executor.NewInline()
	defer ex.Close()

	_, err := coro.Run(context.Background(), ex, careless.With(0))
	var panicked *coro.PanicError
	if errors.As(err, &panicked) {
		fmt.Println("panic:", panicked.Value)
	}

	// Output:
	// panic: runtime error: integer divide by zero
}
