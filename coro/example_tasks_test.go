package coro_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The programs of docs/hand-written-steps.md.

// cube is a kind. Its tasks have an int as state, and an int as result.
var cube = coro.Define("cube", func(f *coro.Frame[int, int]) coro.Step {
	return f.Return(f.State * f.State * f.State)
})

func Example_firstTask() {
	pool := executor.NewPool()
	defer pool.Close()
	result, err := coro.Run(context.Background(), pool, cube.With(3))
	fmt.Println(result, err)

	// Output:
	// 27 <nil>
}

// cubes is a state: the variables that live from step to step.
type cubes struct {
	n, last int
	cube    int // receives the child's result
	sum     int
}

var sumOfCubes = coro.Define("sum of cubes", func(f *coro.Frame[cubes, int]) coro.Step {
	s := &f.State
	switch f.At() {
	case 0: // the task begins
	case 1: // a child has ended
		if f.Err() != nil {
			return f.Fail(f.Err()) // it has no result
		}
		s.sum += s.cube
	default:
		return f.BadResume()
	}
	if s.n == s.last {
		return f.Return(s.sum)
	}
	s.n++
	return coro.Await(f, 1, cube, s.n, &s.cube)
})

func Example_stateAndSteps() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, sumOfCubes.With(cubes{last: 10})))

	// Output:
	// 3025 <nil>
}

var errNegative = errors.New("no root of a negative number")

var root = coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
	if f.State < 0 {
		return f.Fail(errNegative)
	}
	n := 0
	for (n+1)*(n+1) <= f.State {
		n++
	}
	return f.Return(n)
})

type hypotenuse struct{ a, b, root int }

var length = coro.Define("length", func(f *coro.Frame[hypotenuse, int]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		return coro.Await(f, 1, root, s.a*s.a+s.b*s.b, &s.root)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.root)
})

func Example_errors() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx := context.Background()
	fmt.Println(coro.Run(ctx, pool, length.With(hypotenuse{a: 3, b: 4})))
	_, err := coro.Run(ctx, pool, root.With(-1))
	fmt.Println(err == errNegative)

	// Output:
	// 5 <nil>
	// true
}

func ExamplePanicError_backtrace() {
	share := coro.Define("share", func(f *coro.Frame[int, int]) coro.Step {
		return f.Return(100 / f.State)
	})
	plan := coro.Define("plan", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, share, f.State, &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	pool := executor.NewPool()
	defer pool.Close()

	_, err := coro.Run(context.Background(), pool, plan.With(0))
	var panicked *coro.PanicError
	if errors.As(err, &panicked) {
		fmt.Println(panicked.Value)
		for _, task := range panicked.Backtrace.Tasks {
			fmt.Println("in", task.Name)
		}
	}

	// Output:
	// runtime error: integer divide by zero
	// in share
	// in plan
}

func Example_launching() {
	greet := coro.Define("greet", func(f *coro.Frame[int, struct{}]) coro.Step {
		fmt.Println("hello", f.State)
		if f.State == 3 {
			return f.Fail(errors.New("nothing to say"))
		}
		return f.Return(struct{}{})
	})
	ex := executor.NewInline()
	defer ex.Close()
	ctx := context.Background()

	if err := coro.Go(ex, greet, 1); err != nil { // do not wait
		fmt.Println(err)
	}
	report := coro.OnError(func(err error) { fmt.Println("the task failed:", err) })
	launch := coro.RunAsync(ex, coro.Context(ctx), report) // do not wait, with options
	for _, n := range []int{2, 3} {
		if err := launch(greet.With(n)); err != nil {
			fmt.Println(err)
		}
	}
	_, err := coro.Run(ctx, ex, greet.With(4)) // wait
	fmt.Println(err)

	// Output:
	// hello 1
	// hello 2
	// hello 3
	// the task failed: nothing to say
	// hello 4
	// <nil>
}

func ExampleYield() {
	turns := coro.Define("turns", func(f *coro.Frame[[2]int, struct{}]) coro.Step {
		name, turn := f.State[0], &f.State[1]
		if *turn == 2 {
			return f.Return(struct{}{})
		}
		*turn++
		fmt.Printf("task %d, turn %d\n", name, *turn)
		return coro.Yield(f, 0)
	})
	ex := executor.NewInline()
	defer ex.Close()
	both := coro.Define("both", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		for name := range 2 {
			if err := coro.Go(ex, turns, [2]int{name}); err != nil {
				return f.Fail(err)
			}
		}
		return f.Return(struct{}{})
	})
	if err := coro.Go(ex, both, struct{}{}); err != nil {
		fmt.Println(err)
	}

	// Output:
	// task 0, turn 1
	// task 1, turn 1
	// task 0, turn 2
	// task 1, turn 2
}

func Example_cancellation() {
	var never coro.Event
	patient := coro.Define("patient", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		if f.At() == 0 {
			return never.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(struct{}{})
	})
	pool := executor.NewPool()
	defer pool.Close()

	ctx, cancel := context.WithCancelCause(context.Background())
	go cancel(errors.New("it takes too long"))
	_, err := coro.Run(ctx, pool, patient.With(struct{}{}))
	fmt.Println(err)

	// Output:
	// it takes too long
}

func Example_chainInOneFrame() {
	type reading struct{ bytes, words int }
	parse := coro.Define("parse", func(f *coro.Frame[int, int]) coro.Step {
		return f.Return(f.State / 8)
	})
	request := coro.Define("request", func(f *coro.Frame[reading, int]) coro.Step {
		if s := &f.State; f.At() == 0 {
			return coro.AwaitElided(f, 1, parse, s.bytes, &s.words)
		}
		return f.Return(f.State.words)
	})
	session := coro.Define("session", func(f *coro.Frame[reading, int]) coro.Step {
		if s := &f.State; f.At() == 0 {
			return coro.AwaitElided(f, 1, request, reading{bytes: s.bytes}, &s.words)
		}
		fmt.Println(f.State.words, "words")
		return f.Return(f.State.words)
	})
	ex := executor.NewInline()
	defer ex.Close()
	state := reading{bytes: 80}

	launch := coro.RunAsync(ex, coro.RootFrameSize(coro.ChainSize(session, request, parse)))
	err := launch(session.With(state))

	fmt.Println(err, "elided:", ex.Elided())

	// Output:
	// 10 words
	// <nil> elided: 2
}

// A mistake in a step function is a panic of its task.
//
//framearena:ignore it shows mistakes
func Example_misuse() {
	ex := executor.NewInline()
	defer ex.Close()
	complain := func(name string, step func(f *coro.Frame[int, int]) coro.Step) {
		_, err := coro.Run(context.Background(), ex, coro.Define(name, step).With(0))
		var p *coro.PanicError
		if errors.As(err, &p) {
			fmt.Println(p.Value)
		}
	}
	complain("forgetful", func(f *coro.Frame[int, int]) coro.Step {
		coro.Await(f, 1, cube, 1, &f.State)
		return coro.Step{}
	})
	complain("empty", func(f *coro.Frame[int, int]) coro.Step {
		return coro.Step{}
	})
	complain("hasty", func(f *coro.Frame[int, int]) coro.Step {
		coro.Await(f, 1, cube, 1, &f.State)
		return coro.Await(f, 1, cube, 2, &f.State)
	})
	complain("local", func(f *coro.Frame[int, int]) coro.Step {
		var result int
		return coro.Await(f, 1, cube, 1, &result)
	})
	complain("cheerful", func(f *coro.Frame[int, int]) coro.Step {
		return f.Fail(nil)
	})
	complain("generous", func(f *coro.Frame[int, int]) coro.Step {
		var mutex coro.Mutex
		mutex.Unlock()
		return f.Return(0)
	})

	// Output:
	// coro: task "forgetful" returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once
	// coro: task "empty" returned the zero Step: return what Await, Yield, Return or Fail returned
	// coro: task "hasty" awaits twice in one step: return the Step of an Await at once
	// coro: task "local": the result of "cube" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns
	// coro: Fail(nil): use Return to end a task without an error
	// coro: Unlock of a Mutex that is not locked: each Lock that succeeded, that is with a nil Err, allows one Unlock
}
