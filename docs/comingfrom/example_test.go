// Package comingfrom_test has the task functions of docs/coming-from.md. They are compiled, and each example
// runs them as tasks. Their counterparts with goroutines, and with steps by hand, are in
// coro/example_coming_from_test.go.
package comingfrom_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

var errUnknown = errors.New("unknown item")

func price(t *task.T, item int) (int, error) {
	if item > 100 {
		return 0, errUnknown
	}
	return 10 * item, nil
}

func total(t *task.T, a, b int) (int, error) {
	first, err := price(t, a)
	if err != nil {
		return 0, err
	}
	second, err := price(t, b)
	if err != nil {
		return 0, err
	}
	return first + second, nil
}

func Example_calls() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call2(total, 1, 2)))
	fmt.Println(task.Run(context.Background(), pool, task.Call2(total, 1, 200)))

	// Output:
	// 30 <nil>
	// 0 unknown item
}

func produce(t *task.T, out *task.Chan[int], n int) error {
	defer out.Close()
	for i := range n {
		if err := out.Send(t, i); err != nil {
			return err
		}
	}
	return nil
}

func consume(t *task.T, in *task.Chan[int]) (int, error) {
	sum := 0
	for v := range in.All(t) {
		sum += v
	}
	return sum, t.Err()
}

func Example_channel() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx := context.Background()
	ch := task.NewChan[int](4)
	if err := task.Go(pool, task.Do2(produce, ch, 100)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Run(ctx, pool, task.Call1(consume, ch)))

	// Output: 4950 <nil>
}

func count(t *task.T, n int) (int, error) {
	var mutex task.Mutex
	counter := 0 // guarded by mutex
	var all task.Group
	for range n {
		all.Go(t, func(t *task.T) error {
			if err := mutex.Lock(t); err != nil {
				return err
			}
			defer mutex.Unlock()
			counter++
			return nil
		})
	}
	err := all.Wait(t)
	return counter, err
}

func Example_mutex() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call1(count, 10)))

	// Output: 10 <nil>
}

func prices(t *task.T, items []int) ([]int, error) {
	prices := make([]int, len(items))
	var all task.Group
	all.SetPolicy(task.FirstError)
	for i, item := range items {
		all.Go(t, func(t *task.T) (err error) {
			prices[i], err = price(t, item)
			return err
		})
	}
	err := all.Wait(t)
	return prices, err
}

func Example_several() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call1(prices, []int{1, 2, 3})))
	_, err := task.Run(context.Background(), pool, task.Call1(prices, []int{1, 200, 3}))
	fmt.Println(err)

	// Output:
	// [10 20 30] <nil>
	// unknown item
}

func think(t *task.T, d time.Duration) (int, error) {
	if err := t.Sleep(d); err != nil {
		return 0, err
	}
	return 42, nil
}

func decide(t *task.T, takes, limit time.Duration) (answer int, err error) {
	err = task.Timeout(t, limit, func(t *task.T) (err error) {
		answer, err = think(t, takes)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return -1, nil
	}
	return answer, err
}

func Example_timeout() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call2(decide, time.Hour, time.Millisecond)))
	fmt.Println(task.Run(context.Background(), pool, task.Call2(decide, time.Millisecond, time.Hour)))

	// Output:
	// -1 <nil>
	// 42 <nil>
}

// ping answers at the third attempt.
func ping(t *task.T, host, attempt int) (time.Duration, error) {
	if err := t.Yield(); err != nil {
		return 0, err
	}
	if attempt < 2 {
		return 0, errors.New("no answer")
	}
	return time.Duration(host) * time.Millisecond, nil
}

func retry(t *task.T) (time.Duration, error) {
	for attempt := 0; ; {
		rtt, err := ping(t, 7, attempt)
		if err == nil {
			return rtt, nil
		}
		if attempt++; attempt == 3 {
			return 0, err
		}
		if err := t.Sleep(time.Millisecond << attempt); err != nil {
			return 0, err // the context has ended
		}
	}
}

func Example_retry() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call0(retry)))

	// Output: 7ms <nil>
}

func add(t *task.T, numbers *task.Chan[int], stop *task.Event) (int, error) {
	sum := 0
	for {
		var n int
		switch i, err := task.Select(t, task.Recv(numbers, &n), task.Done(stop)); {
		case i == 1:
			return sum, nil
		case errors.Is(err, task.ErrChanClosed):
			numbers = nil // its case is disabled from now on
		case err != nil:
			return 0, err // the context has ended
		default:
			sum += n
		}
	}
}

func Example_select() {
	pool := executor.NewPool()
	defer pool.Close()
	numbers, stop := task.NewChan[int](2), new(task.Event)
	numbers.TrySend(1)
	numbers.TrySend(2)
	numbers.Close()
	adding, err := task.Start(pool, task.Call2(add, numbers, stop))
	if err != nil {
		fmt.Println(err)
		return
	}
	for numbers.Len() > 0 {
		time.Sleep(time.Millisecond)
	}
	stop.Set()
	fmt.Println(adding.WaitContext(context.Background()))

	// Output: 3 <nil>
}

var errTooLong = errors.New("it takes too long")

func untilReady(t *task.T, ready *task.Event) error {
	return ready.Wait(t)
}

func Example_cancel() {
	pool := executor.NewPool()
	defer pool.Close()
	handle, err := task.Start(pool, task.Do1(untilReady, new(task.Event)))
	if err != nil {
		fmt.Println(err)
		return
	}
	handle.Cancel(errTooLong)
	_, err = handle.WaitContext(context.Background())
	fmt.Println(err)

	// Output: it takes too long
}

// vault is shared by tasks.
type vault struct {
	task.Mutex
	gold int // guarded by the Mutex
}

func (v *vault) withdraw(t *task.T, parts int) (part int, err error) {
	if err := v.Lock(t); err != nil {
		return 0, err
	}
	defer v.Unlock()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	part = v.gold / parts // may panic
	v.gold -= part
	return part, nil
}

func Example_defer() {
	pool := executor.NewPool()
	defer pool.Close()
	v := &vault{gold: 100}
	fmt.Println(task.Run(context.Background(), pool, task.Call1(v.withdraw, 0)))
	fmt.Println(task.Run(context.Background(), pool, task.Call1(v.withdraw, 4)))

	// Output:
	// 0 panic: runtime error: integer divide by zero
	// 25 <nil>
}

func counts(n int) func(t *task.T, yield func(*task.T, int) error) error {
	return func(t *task.T, yield func(*task.T, int) error) error {
		for ; n > 0; n-- {
			if err := yield(t, n); err != nil {
				return err
			}
		}
		return nil
	}
}

func Example_generator() {
	for v, err := range task.Seq(counts(3)) {
		fmt.Println(v, err)
	}

	// Output:
	// 3 <nil>
	// 2 <nil>
	// 1 <nil>
}
