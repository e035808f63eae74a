package coro_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// adding is the state of a task that adds up numbers until the stop event is set.
type adding struct {
	chosen int // the number of the case
	n, sum int
}

// adder is the held part: the two things that the task waits for.
type adder struct {
	numbers *coro.Chan[int]
	stop    *coro.Event
}

var add = coro.DefineHeld("add", func(f *coro.Frame[adding, int], held *adder) coro.Step {
	s := &f.State
	if f.At() == 1 {
		switch {
		case f.Err() != nil && !errors.Is(f.Err(), coro.ErrChanClosed):
			return f.Fail(f.Err()) // the context has ended
		case s.chosen == 1:
			return f.Return(s.sum) // stop
		case f.Err() != nil:
			held.numbers = nil // is closed; its case is disabled from now on
		default:
			s.sum += s.n
		}
	}
	return coro.Select(f, 1, &s.chosen, held.numbers.RecvCase(&s.n), held.stop.WaitCase())
})

func ExampleSelect() {
	pool := executor.NewPool()
	defer pool.Close()
	numbers, stop := coro.NewChan[int](10), new(coro.Event)
	for n := range 5 {
		numbers.TrySend(n)
	}
	numbers.Close()
	go func() {
		for numbers.Len() > 0 {
			runtime.Gosched()
		}
		stop.Set()
	}()
	fmt.Println(coro.Run(context.Background(), pool, add.With(adding{}, adder{numbers, stop})))

	// Output:
	// 10 <nil>
}

// With Default, a Select does not wait.
func ExampleDefault() {
	out := coro.NewChan[int](1)
	type sampling struct{ chosen, n int }
	sample := coro.Define("sample", func(f *coro.Frame[sampling, struct{}]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			if s.chosen == 1 {
				fmt.Println(s.n, "is dropped")
			}
			s.n++
		}
		if s.n == 3 {
			return f.Return(struct{}{})
		}
		return coro.Select(f, 1, &s.chosen, out.SendCase(s.n), coro.Default())
	})
	ex := executor.NewInline()
	fmt.Println(coro.Run(context.Background(), ex, sample.With(sampling{})))
	fmt.Println(ex.Close())

	// Output:
	// 1 is dropped
	// 2 is dropped
	// {} <nil>
	// <nil>
}

// Tasks take tickets from a counter that a goroutine fills.
func ExampleCond() {
	var mutex coro.Mutex
	arrived := coro.NewCond(&mutex)
	tickets := 0 // guarded by mutex

	take := coro.Define("take", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.At() == 0 {
			return mutex.Lock(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err()) // without the mutex
		}
		if tickets == 0 {
			return arrived.Wait(f, 1)
		}
		tickets--
		mutex.Unlock()
		fmt.Println("task", f.State, "has a ticket")
		return f.Return(struct{}{})
	})
	ex := executor.NewInline()
	for i := range 2 {
		if err := coro.Go(ex, take, i); err != nil {
			fmt.Println(err)
		}
	}
	for range 2 {
		if mutex.TryLock() {
			tickets++
			mutex.Unlock()
			arrived.Signal()
		}
	}
	fmt.Println(tickets, ex.Close())

	// Output:
	// task 0 has a ticket
	// task 1 has a ticket
	// 0 <nil>
}
