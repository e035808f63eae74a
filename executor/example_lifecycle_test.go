package executor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A server that stops gives its sessions some time to finish.
func ExamplePool_Drain() {
	pool := executor.NewPool()
	session := coro.Define("session", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, 10*time.Millisecond)
		}
		fmt.Println("session", f.State, "is over")
		return f.Return(struct{}{})
	})
	if err := coro.Go(pool, session, 7); err != nil {
		fmt.Println(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := pool.Drain(ctx); err != nil {
		fmt.Println("some are left:", err)
	}
	fmt.Println(coro.Go(pool, session, 8))
	if err := pool.Close(); err != nil { // ends those that are left
		fmt.Println(err)
	}

	// Output:
	// session 7 is over
	// executor: closed
}

// A step cannot close its own pool; a goroutine does it.
func ExampleErrInStep() {
	pool := executor.NewPool()
	closed := make(chan error)
	stop := coro.Define("stop", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		fmt.Println(errors.Is(pool.Close(), executor.ErrInStep))
		go func() { closed <- pool.Close() }()
		return f.Return(struct{}{})
	})
	if err := coro.Go(pool, stop, struct{}{}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(<-closed)

	// Output:
	// true
	// <nil>
}

// A bank with two tellers: customers come, queue, are served and leave. A day of it takes
// as long as its steps do.
func ExampleWithVirtualTime() {
	bank := executor.NewLoop(executor.WithVirtualTime())
	defer bank.Close()
	tellers := coro.NewSemaphore(2)

	type visit struct {
		number int
		came   time.Duration
	}
	customer := coro.Define("customer", func(f *coro.Frame[visit, struct{}]) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return coro.Sleep(f, 1, time.Duration(s.number)*time.Minute) // until the bank opens for this one
		case 1:
			s.came = bank.Now()
			return tellers.Acquire(f, 2, 1)
		case 2:
			if f.Err() != nil {
				return f.Fail(f.Err()) // not served
			}
			fmt.Printf("%v: customer %d is served after %v\n", bank.Now(), s.number, bank.Now()-s.came)
			return coro.Sleep(f, 3, 5*time.Minute)
		}
		tellers.Release(1)
		return f.Return(struct{}{})
	})
	for n := range 5 {
		if err := coro.Go(bank, customer, visit{number: n}); err != nil {
			fmt.Println(err)
		}
	}
	bank.RunFor(6 * time.Minute)
	fmt.Println(bank.Now(), "and", bank.Environment().Live(), "are there or will come")
	bank.RunUntilIdle()
	fmt.Println(bank.Now())

	// Output:
	// 0s: customer 0 is served after 0s
	// 1m0s: customer 1 is served after 0s
	// 5m0s: customer 2 is served after 3m0s
	// 6m0s: customer 3 is served after 3m0s
	// 6m0s and 3 are there or will come
	// 10m0s: customer 4 is served after 6m0s
	// 15m0s
}

// slowMotion is a clock that runs slowly.
type slowMotion struct {
	begun time.Time
	times time.Duration
}

func (c slowMotion) Now() time.Duration { return time.Since(c.begun) / c.times }

func (c slowMotion) NewAlarm(f func()) coro.Alarm {
	t := time.AfterFunc(time.Hour, f)
	t.Stop()
	return slowAlarm{t, c.times}
}

type slowAlarm struct {
	*time.Timer
	times time.Duration
}

func (a slowAlarm) Reset(d time.Duration) bool { return a.Timer.Reset(d * a.times) }

// A clock of your own, here one that runs slowly.
func ExampleWithClock() {
	pool := executor.NewPool(executor.WithClock(slowMotion{time.Now(), 10}))
	defer pool.Close()
	begun := time.Now()
	nap := coro.Define("nap", func(f *coro.Frame[struct{}, bool]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Millisecond)
		}
		return f.Return(time.Since(begun) >= 10*time.Millisecond)
	})
	fmt.Println(coro.Run(context.Background(), pool, nap.With(struct{}{})))

	// Output:
	// true <nil>
}

// Urgent tasks are launched on another way into the pool.
func ExamplePool_High() {
	pool := executor.NewPool()
	defer pool.Close()
	alarm := coro.Define("alarm", func(f *coro.Frame[int, string]) coro.Step {
		return f.Return(fmt.Sprint("line ", f.State, " has been stopped"))
	})
	fmt.Println(coro.Run(context.Background(), pool.High(), alarm.With(3)))

	// Output:
	// line 3 has been stopped <nil>
}
