package coro_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Tasks add to a balance. One at a time may change it, and holds the mutex while it waits.
func ExampleMutex() {
	var mutex coro.Mutex
	balance := 0 // guarded by mutex

	type deposit struct{ amount, before int }
	add := coro.Define("add", func(f *coro.Frame[deposit, struct{}]) coro.Step {
		switch s := &f.State; f.At() {
		case 0:
			return mutex.Lock(f, 1)
		case 1:
			if f.Err() != nil {
				return f.Fail(f.Err()) // without the mutex
			}
			s.before = balance
			return coro.Yield(f, 2)
		default:
			balance = s.before + s.amount
			mutex.Unlock()
			return f.Return(struct{}{})
		}
	})
	ex := executor.NewInline()
	all := coro.Define("all", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		for amount := range 5 {
			if err := coro.Go(ex, add, deposit{amount: amount}); err != nil {
				return f.Fail(err)
			}
		}
		return f.Return(struct{}{})
	})
	if err := coro.Go(ex, all, struct{}{}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(balance, ex.Close())

	// Output:
	// 10 <nil>
}

func ExampleEvent() {
	var ready coro.Event
	use := coro.Define("use", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return ready.Wait(f, 1)
		}
		fmt.Println("task", f.State, "goes on")
		return f.Return(f.State)
	})
	ex := executor.NewInline()
	for i := range 3 {
		if err := coro.Go(ex, use, i); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println("set")
	ready.Set()
	fmt.Println(ex.Close())

	// Output:
	// set
	// task 0 goes on
	// task 1 goes on
	// task 2 goes on
	// <nil>
}

// At most two tasks run at a time.
func ExampleSemaphore() {
	permits := coro.NewSemaphore(2)
	running, most := 0, 0
	work := coro.Define("work", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		switch f.At() {
		case 0:
			return permits.Acquire(f, 1, 1)
		case 1:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			running++
			most = max(most, running)
			return coro.Yield(f, 2)
		default:
			running--
			permits.Release(1)
			return f.Return(struct{}{})
		}
	})
	ex := executor.NewInline()
	all := coro.Define("all", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		for range 10 {
			if err := coro.Go(ex, work, struct{}{}); err != nil {
				return f.Fail(err)
			}
		}
		return f.Return(struct{}{})
	})
	if err := coro.Go(ex, all, struct{}{}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(most, ex.Close())

	// Output:
	// 2 <nil>
}

// A task waits until others have called Done.
func ExampleWaitGroup() {
	pool := executor.NewPool()
	defer pool.Close()
	var left coro.WaitGroup
	var squares [4]int

	square := coro.Define("square", func(f *coro.Frame[int, struct{}]) coro.Step {
		squares[f.State] = f.State * f.State
		left.Done()
		return f.Return(struct{}{})
	})
	all := coro.Define("all", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		if f.At() == 0 {
			left.Add(len(squares))
			for i := range squares {
				if err := coro.Go(pool, square, i); err != nil {
					return f.Fail(err)
				}
			}
			return left.Wait(f, 1)
		}
		fmt.Println(squares)
		return f.Return(struct{}{})
	})
	_, err := coro.Run(context.Background(), pool, all.With(struct{}{}))
	fmt.Println(err)

	// Output:
	// [0 1 4 9]
	// <nil>
}

func ExampleChan() {
	pool := executor.NewPool()
	defer pool.Close()
	numbers := coro.NewChan[int](0)

	produce := coro.Define("produce", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if f.State == 5 {
			numbers.Close()
			return f.Return(struct{}{})
		}
		f.State++
		return numbers.Send(f, 0, f.State)
	})
	type summing struct{ next, sum int }
	sum := coro.Define("sum", func(f *coro.Frame[summing, int]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			if errors.Is(f.Err(), coro.ErrChanClosed) {
				return f.Return(s.sum)
			} else if f.Err() != nil {
				return f.Fail(f.Err())
			}
			s.sum += s.next
		}
		return numbers.Recv(f, 1, &s.next)
	})
	if err := coro.Go(pool, produce, 0); err != nil {
		fmt.Println(err)
	}
	fmt.Println(coro.Run(context.Background(), pool, sum.With(summing{})))

	// Output:
	// 15 <nil>
}

// Pause waits for a callback from outside of the executor, here of a time.Timer.
var Pause = coro.Define("pause", func(f *coro.Frame[time.Duration, struct{}]) coro.Step {
	if f.At() == 0 {
		w := coro.NewWaker()
		time.AfterFunc(f.State, func() { w.Wake() })
		return coro.Suspend(f, 1, w)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(struct{}{})
})

func ExampleWaker() {
	pool := executor.NewPool()
	defer pool.Close()

	_, err := coro.Run(context.Background(), pool, Pause.With(time.Millisecond))
	fmt.Println(err)

	// The end of the context wakes the task too; then the timer's wake does nothing.
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("not in the mood"))
	_, err = coro.Run(ctx, pool, Pause.With(time.Hour))
	fmt.Println(err)

	// Output:
	// <nil>
	// not in the mood
}
