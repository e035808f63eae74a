package executor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

func ExampleNewPool() {
	type span struct{ from, to, sum int }
	sum := coro.Define("sum", func(f *coro.Frame[span, int]) coro.Step {
		s := &f.State
		if s.from == s.to {
			return f.Return(s.sum)
		}
		s.from++
		s.sum += s.from
		return coro.Yield(f, 0)
	})
	pool := executor.NewPool(executor.WithWorkers(4))
	defer pool.Close()

	fmt.Println(coro.Run(context.Background(), pool, sum.With(span{to: 100})))

	// Output:
	// 5050 <nil>
}

// Tasks that a task launches run before Post returns, but never inside of a step.
func ExampleNewInline() {
	ex := executor.NewInline()
	defer ex.Close()

	child := coro.Define("child", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		fmt.Println("child")
		return f.Return(struct{}{})
	})
	parent := coro.Define("parent", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		if err := coro.Go(ex, child, struct{}{}); err != nil {
			return f.Fail(err)
		}
		fmt.Println("parent")
		return f.Return(struct{}{})
	})
	if err := coro.Go(ex, parent, struct{}{}); err != nil {
		fmt.Println(err)
	}
	fmt.Println("nothing left to run")

	// Output:
	// parent
	// child
	// nothing left to run
}

// Two executors that share an arena share free frames, and the limit.
func ExampleWithArena() {
	a, err := arena.New(arena.WithMaxBytes(64 << 20))
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := executor.NewPool(executor.WithArena(a))
	inline := executor.NewInline(executor.WithArena(a))

	double := coro.Define("double", func(f *coro.Frame[int, int]) coro.Step {
		return f.Return(2 * f.State)
	})
	fmt.Println(coro.Run(context.Background(), pool, double.With(4)))
	fmt.Println(coro.Run(context.Background(), inline, double.With(5)))

	fmt.Println(errors.Join(pool.Close(), inline.Close(), a.Close()))

	// Output:
	// 8 <nil>
	// 10 <nil>
	// <nil>
}

func ExampleWithErrorHandler() {
	var failures atomic.Int64
	pool := executor.NewPool(executor.WithErrorHandler(func(error) { failures.Add(1) }))

	never := coro.Define("never", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		return coro.Yield(f, 0)
	})
	for range 3 {
		if err := coro.Go(pool, never, struct{}{}); err != nil {
			fmt.Println(err)
		}
	}
	// Close cancels the tasks that have not ended.
	fmt.Println(pool.Close(), failures.Load())

	// Output:
	// <nil> 3
}

// The pool detects a step that blocks, and runs other tasks meanwhile.
func ExampleWithBlockedHandler() {
	found := make(chan executor.Blocked, 1)
	pool := executor.NewPool(executor.WithWorkers(1), executor.WithBlockedHandler(func(b executor.Blocked) {
		select {
		case found <- b:
		default:
		}
	}))
	defer pool.Close()

	goOn := make(chan struct{})
	blocking := coro.Define("blocking", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		<-goOn // a step should not wait like this
		return f.Return(struct{}{})
	})
	double := coro.Define("double", func(f *coro.Frame[int, int]) coro.Step {
		return f.Return(2 * f.State)
	})
	if err := coro.Go(pool, blocking, struct{}{}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(coro.Run(context.Background(), pool, double.With(21)))
	fmt.Println((<-found).Kind.Name)
	close(goOn)

	// Output:
	// 42 <nil>
	// blocking
}

// A Pool is a variable of package expvar, which serves it as JSON.
func ExamplePool_String() {
	pool := executor.NewPool(executor.WithWorkers(2))
	defer pool.Close()

	var served interface{ String() string } = pool // expvar.Publish("pool", pool)
	fmt.Println(strings.Contains(served.String(), `"Steals":0`), len(pool.Stats().Workers))

	// Output:
	// true 2
}
