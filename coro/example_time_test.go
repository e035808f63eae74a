package coro_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type reminding struct {
	times int
	every time.Duration
}

var remind = coro.Define("remind", func(f *coro.Frame[reminding, struct{}]) coro.Step {
	s := &f.State
	if f.Err() != nil { // the context has ended
		return f.Fail(f.Err())
	}
	if s.times == 0 {
		return f.Return(struct{}{})
	}
	s.times--
	fmt.Println("drink some water")
	return coro.Sleep(f, 0, s.every)
})

func ExampleSleep() {
	pool := executor.NewPool()
	defer pool.Close()
	_, err := coro.Run(context.Background(), pool, remind.With(reminding{2, time.Millisecond}))
	fmt.Println(err)

	// Output:
	// drink some water
	// drink some water
	// <nil>
}

// think sleeps for as long as its state says, and returns 42.
var think = coro.Define("think", func(f *coro.Frame[time.Duration, int]) coro.Step {
	if f.At() == 0 {
		return coro.Sleep(f, 1, f.State)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(42)
})

type question struct {
	takes, limit time.Duration
	answer       int
}

// decide gives a child a time limit, and returns -1 if the child takes longer.
var decide = coro.Define("decide", func(f *coro.Frame[question, int]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		return coro.AwaitCall(f, 1, think.With(s.takes), &s.answer, coro.Timeout(s.limit))
	}
	if errors.Is(f.Err(), context.DeadlineExceeded) {
		return f.Return(-1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.answer)
})

func ExampleTimeout() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx := context.Background()
	fmt.Println(coro.Run(ctx, pool, decide.With(question{takes: time.Millisecond, limit: time.Hour})))
	fmt.Println(coro.Run(ctx, pool, decide.With(question{takes: time.Hour, limit: time.Millisecond})))

	// Output:
	// 42 <nil>
	// -1 <nil>
}

// vault is a held part. Several tasks use the same mutex and gold.
type vault struct {
	*coro.Mutex
	gold *int // guarded by the Mutex
}

type withdrawing struct {
	parts  int
	locked bool
}

// withdraw takes a part of the gold, and unlocks the vault even if it panics.
var withdraw = coro.DefineHeld("withdraw", func(f *coro.Frame[withdrawing, int], held *vault) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		return held.Lock(f, 1)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err()) // without the mutex
		}
		s.locked = true
		part := *held.gold / s.parts // may panic
		*held.gold -= part
		held.Unlock()
		s.locked = false
		return f.Return(part)
	case coro.Cleanup:
		if s.locked {
			held.Unlock()
		}
		return f.Fail(f.Err())
	default:
		return f.BadResume()
	}
}, coro.HasCleanup())

func ExampleHasCleanup() {
	pool := executor.NewPool()
	defer pool.Close()
	gold := 90
	held := vault{new(coro.Mutex), &gold}
	for _, parts := range []int{0, 3} {
		part, err := coro.Run(context.Background(), pool, withdraw.With(withdrawing{parts: parts}, held))
		var panicked *coro.PanicError
		if errors.As(err, &panicked) {
			fmt.Println(panicked.Value)
			continue
		}
		fmt.Println(part, err)
	}

	// Output:
	// runtime error: integer divide by zero
	// 30 <nil>
}
