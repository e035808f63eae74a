package coro_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A goroutine starts a task, does something else, and waits for it.
func ExampleStart() {
	pool := executor.NewPool()
	defer pool.Close()

	handle, err := coro.Start(pool, sumOfCubes.With(cubes{last: 3}))
	if err != nil {
		fmt.Println(err)
		return
	}
	// ... and in the meantime something else.
	sum, err := handle.Wait(context.Background())
	fmt.Println(sum, err, handle.State())

	// Output:
	// 36 <nil> done
}

// customer is a held part: all customers share one handle.
type customer struct{ total *coro.Handle[int] }

// share waits for the total, which another task computes, and returns a part of it.
var share = coro.DefineHeld("share", func(f *coro.Frame[int, int], held *customer) coro.Step {
	if f.At() == 0 {
		return held.total.Await(f, 1, &f.State)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(f.State / 4)
})

func ExampleHandle_Await() {
	pool, ex := executor.NewPool(), executor.NewInline()
	defer pool.Close()
	defer ex.Close()

	total, err := coro.Start(pool, sumOfCubes.With(cubes{last: 3}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, on := range []coro.Executor{pool, ex, pool} {
		part, err := coro.Run(context.Background(), on, share.With(0, customer{total}))
		fmt.Println(part, err)
	}

	// Output:
	// 9 <nil>
	// 9 <nil>
	// 9 <nil>
}

// A handle cancels its task without a context.
func ExampleHandle_Cancel() {
	pool := executor.NewPool()
	defer pool.Close()

	never := new(coro.Event)
	patient := coro.Define("patient", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		if f.At() == 0 {
			return never.Wait(f, 1)
		}
		return f.Fail(f.Err()) // it may also give back what it has, first
	})
	handle, err := coro.Start(pool, patient.With(struct{}{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = handle.Result()
	fmt.Println(err)
	handle.Cancel(errors.New("it takes too long"))
	_, err = handle.Wait(context.Background())
	fmt.Println(err)

	// Output:
	// coro: the task has not ended
	// it takes too long
}

// A server has one executor for tasks that wait, and one with few workers for those that compute.
type serving struct{ n, sum int }

type server struct{ computing coro.Executor }

var compute = coro.DefineHeld("compute", func(f *coro.Frame[serving, int], held *server) coro.Step {
	s := &f.State
	if f.At() == 0 {
		return coro.AwaitOn(f, 1, held.computing, sumOfCubes.With(cubes{last: s.n}), &s.sum)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.sum) // on the server's executor again
})

func ExampleAwaitOn() {
	waiting, computing := executor.NewPool(), executor.NewPool(executor.WithWorkers(1))
	defer waiting.Close()
	defer computing.Close()

	sum, err := coro.Run(context.Background(), waiting, compute.With(serving{n: 4}, server{computing}))
	fmt.Println(sum, err)

	// Output:
	// 100 <nil>
}

func ExampleOnResult() {
	ex := executor.NewInline()
	defer ex.Close()

	launch := coro.RunAsync(ex,
		coro.OnResult(func(root int) { fmt.Println("the root is", root) }),
		coro.OnError(func(err error) { fmt.Println("it failed:", err) }))
	for _, n := range []int{49, -49} {
		if err := launch(root.With(n)); err != nil {
			fmt.Println(err)
		}
	}

	// Output:
	// the root is 7
	// it failed: no root of a negative number
}
