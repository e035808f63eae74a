package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

func Example() {
	square := func(t *task.T, n int) (int, error) {
		if err := t.Sleep(time.Millisecond); err != nil {
			return 0, err
		}
		return n * n, nil
	}

	pool := executor.NewPool()
	defer pool.Close()
	n, err := task.Run(context.Background(), pool, task.Call1(square, 7))
	fmt.Println(n, err)
	// Output: 49 <nil>
}

func ExampleStart() {
	pool := executor.NewPool()
	defer pool.Close()
	h, err := task.Start(pool, task.Do0(func(t *task.T) error { return t.Sleep(time.Hour) }))
	if err != nil {
		fmt.Println(err)
		return
	}
	h.Cancel(errors.New("it takes too long"))
	_, err = h.WaitContext(context.Background())
	fmt.Println(err)
	// Output: it takes too long
}

func ExampleGo() {
	pool := executor.NewPool()
	defer pool.Close()
	done := make(chan error)
	_ = task.Go(pool, task.Do1(func(t *task.T, name string) error {
		return errors.New("no " + name)
	}, "disk"), task.OnError(func(err error) { done <- err }))
	fmt.Println(<-done)
	// Output: no disk
}

func ExampleChan() {
	jobs := task.NewChan[int](2)
	producer := func(t *task.T) error {
		defer jobs.Close()
		for i := range 3 {
			if err := jobs.Send(t, i); err != nil {
				return err
			}
		}
		return nil
	}
	sum := func(t *task.T) (sum int, err error) {
		for job := range jobs.All(t) {
			sum += job
		}
		return sum, t.Err()
	}

	pool := executor.NewPool()
	defer pool.Close()
	_ = task.Go(pool, task.Do0(producer))
	fmt.Println(task.Run(context.Background(), pool, task.Call0(sum)))
	// Output: 3 <nil>
}

func ExampleSelect() {
	jobs := task.NewChan[string](1)
	next := func(t *task.T) (string, error) {
		var job string
		switch i, err := task.Select(t, task.Recv(jobs, &job), task.After(time.Millisecond)); {
		case err != nil:
			return "", err
		case i == 1:
			return "nothing to do", nil
		}
		return job, nil
	}

	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call0(next)))
	jobs.TrySend("paint the fence")
	fmt.Println(task.Run(context.Background(), pool, task.Call0(next)))
	// Output:
	// nothing to do <nil>
	// paint the fence <nil>
}

func ExampleMutex() {
	var (
		m task.Mutex
		n int
	)
	count := func(t *task.T) error {
		if err := m.Lock(t); err != nil {
			return err
		}
		defer m.Unlock()
		n++
		return nil
	}

	pool := executor.NewPool()
	defer pool.Close()
	_, err := task.Run(context.Background(), pool, task.Do0(func(t *task.T) error {
		var g task.Group
		for range 10 {
			g.Go(t, count)
		}
		return g.Wait(t)
	}))
	fmt.Println(n, err)
	// Output: 10 <nil>
}

func ExampleCond() {
	var (
		m        task.Mutex
		queue    []int
		nonEmpty = task.NewCond(&m)
	)
	take := func(t *task.T) (int, error) {
		if err := m.Lock(t); err != nil {
			return 0, err
		}
		defer m.Unlock()
		for len(queue) == 0 {
			if err := nonEmpty.Wait(t); err != nil {
				return 0, err
			}
		}
		v := queue[0]
		queue = queue[1:]
		return v, nil
	}
	put := func(t *task.T, v int) error {
		if err := m.Lock(t); err != nil {
			return err
		}
		defer m.Unlock()
		queue = append(queue, v)
		nonEmpty.Signal()
		return nil
	}

	pool := executor.NewPool()
	defer pool.Close()
	h, _ := task.Start(pool, task.Call0(take))
	_ = task.Go(pool, task.Do1(put, 7))
	fmt.Println(h.WaitContext(context.Background()))
	// Output: 7 <nil>
}

func ExampleOnce() {
	var once task.Once
	load := func(t *task.T) error {
		fmt.Println("loading")
		return t.Sleep(time.Millisecond)
	}

	pool := executor.NewPool()
	defer pool.Close()
	for range 2 {
		_, err := task.Run(context.Background(), pool, task.Do0(func(t *task.T) error { return once.Do(t, load) }))
		fmt.Println(err)
	}
	// Output:
	// loading
	// <nil>
	// <nil>
}

func ExampleSuspend() {
	pool := executor.NewPool()
	defer pool.Close()
	_, err := task.Run(context.Background(), pool, task.Do0(func(t *task.T) error {
		return task.Suspend(t, func(w task.Waker) {
			time.AfterFunc(time.Millisecond, func() { w.Wake() })
		})
	}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleBlock() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call0(func(t *task.T) (string, error) {
		return task.Block(t, func() (string, error) {
			time.Sleep(time.Millisecond) // it keeps no worker from other tasks
			return "read", nil
		})
	})))
	// Output: read <nil>
}

func ExampleSeq() {
	countdown := task.Seq(func(t *task.T, yield func(*task.T, int) error) error {
		for i := 3; i > 0; i-- {
			if err := yield(t, i); err != nil {
				return err
			}
		}
		return errors.New("lift off")
	})
	for i, err := range countdown {
		fmt.Println(i, err)
	}
	// Output:
	// 3 <nil>
	// 2 <nil>
	// 1 <nil>
	// 0 lift off
}

// A step function calls a task function, and a task function calls a step function.
func ExampleAwaitStep() {
	double := func(t *task.T, n int) (int, error) { return 2 * n, t.Yield() }
	byHand := coro.Define("by hand", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return task.AwaitStep(f, 1, task.Call1(double, f.State), &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})

	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call0(func(t *task.T) (int, error) {
		return task.Await(t, byHand.With(21))
	})))
	// Output: 42 <nil>
}
