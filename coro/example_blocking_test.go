package coro_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Count reads a file, which may take long, and counts its lines. The function gets a
// copy of the name: the held part may be gone when it runs.
type counting struct {
	name string
	data []byte
}

var Count = coro.DefineHeld("count", func(f *coro.Frame[struct{}, int], held *counting) coro.Step {
	if f.At() == 0 {
		name := held.name
		return coro.Blocking(f, 1, func() ([]byte, error) { return os.ReadFile(name) }, &held.data)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(strings.Count(string(held.data), "\n"))
})

func ExampleBlocking() {
	pool := executor.NewPool()
	defer pool.Close()

	lines, err := coro.Run(context.Background(), pool, Count.With(struct{}{}, counting{name: "testdata/poem.txt"}))
	fmt.Println(lines, err)
	_, err = coro.Run(context.Background(), pool, Count.With(struct{}{}, counting{name: "testdata/nothing.txt"}))
	fmt.Println(errors.Is(err, os.ErrNotExist))

	// Output:
	// 4 <nil>
	// true
}

// A task between two goroutines: it doubles the numbers that it receives, until the channel is closed.
func ExampleRecvFrom() {
	pool := executor.NewPool()
	defer pool.Close()

	type pipe struct {
		in  <-chan int
		out chan<- int
	}
	double := coro.DefineHeld("double", func(f *coro.Frame[int, struct{}], held *pipe) coro.Step {
		switch {
		case f.At() == 1 && errors.Is(f.Err(), coro.ErrChanClosed):
			close(held.out)
			return f.Return(struct{}{})
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			return coro.SendTo(f, 2, held.out, 2*f.State)
		default:
			return coro.RecvFrom(f, 1, held.in, &f.State)
		}
	})
	in, out := make(chan int), make(chan int)
	if err := coro.GoHeld(pool, double, 0, pipe{in, out}); err != nil {
		fmt.Println(err)
	}
	go func() {
		defer close(in)
		for i := range 4 {
			in <- i
		}
	}()
	for v := range out {
		fmt.Println(v)
	}

	// Output:
	// 0
	// 2
	// 4
	// 6
}

// A task waits for a time.Timer. Only its channel is in the held part: the goroutine
// that waits needs nothing else.
func ExampleRecvFrom_timer() {
	pool := executor.NewPool()
	defer pool.Close()

	tick := coro.DefineHeld("tick", func(f *coro.Frame[struct{}, bool], timer **time.Timer) coro.Step {
		if f.At() == 0 {
			*timer = time.NewTimer(time.Millisecond)
			return coro.RecvFrom(f, 1, (*timer).C, nil)
		}
		(*timer).Stop()
		return f.Return(f.Err() == nil)
	})
	fmt.Println(coro.Run(context.Background(), pool, tick.With(struct{}{}, nil)))

	// Output:
	// true <nil>
}

// A task waits for an os.Signal.
func ExampleRecvFrom_signal() {
	pool := executor.NewPool()
	defer pool.Close()

	type interrupted struct {
		signals chan os.Signal
		signal  os.Signal
	}
	wait := coro.DefineHeld("wait", func(f *coro.Frame[struct{}, string], held *interrupted) coro.Step {
		if f.At() == 0 {
			signal.Notify(held.signals, os.Interrupt)
			return coro.RecvFrom(f, 1, held.signals, &held.signal)
		}
		signal.Stop(held.signals)
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(held.signal.String())
	})
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt // as the system does
	fmt.Println(coro.Run(context.Background(), pool, wait.With(struct{}{}, interrupted{signals: signals})))

	// Output:
	// interrupt <nil>
}

// A task waits until the deadline of a context.
func ExampleWaitContext() {
	pool := executor.NewPool()
	defer pool.Close()

	type deadline struct {
		ctx context.Context
	}
	wait := coro.DefineHeld("wait", func(f *coro.Frame[struct{}, bool], held *deadline) coro.Step {
		if f.At() == 0 {
			return coro.WaitContext(f, 1, held.ctx)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(errors.Is(context.Cause(held.ctx), context.DeadlineExceeded))
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	fmt.Println(coro.Run(context.Background(), pool, wait.With(struct{}{}, deadline{ctx})))

	// Output:
	// true <nil>
}
