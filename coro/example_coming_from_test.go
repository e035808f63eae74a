package coro_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The programs of docs/coming-from.md: the first of each pair is with goroutines.

func priceOf(item int) (int, error) {
	if item > 100 {
		return 0, errUnknown
	}
	return 10 * item, nil
}

func totalOf(a, b int) (int, error) {
	first, err := priceOf(a)
	if err != nil {
		return 0, err
	}
	second, err := priceOf(b)
	if err != nil {
		return 0, err
	}
	return first + second, nil
}

func Example_callsInAGoroutine() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fmt.Println(totalOf(1, 2))
		fmt.Println(totalOf(1, 200))
	}()
	<-done

	// Output:
	// 30 <nil>
	// 0 unknown item
}

var price = coro.Define("price", func(f *coro.Frame[int, int]) coro.Step {
	if f.State > 100 {
		return f.Fail(errUnknown)
	}
	return f.Return(10 * f.State)
})

type order struct{ a, b, first, second int }

var total = coro.Define("total", func(f *coro.Frame[order, int]) coro.Step {
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch s := &f.State; f.At() {
	case 0:
		return coro.Await(f, 1, price, s.a, &s.first)
	case 1:
		return coro.Await(f, 2, price, s.b, &s.second)
	default:
		return f.Return(s.first + s.second)
	}
})

func Example_awaitsInATask() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, total.With(order{a: 1, b: 2})))
	fmt.Println(coro.Run(context.Background(), pool, total.With(order{a: 1, b: 200})))

	// Output:
	// 30 <nil>
	// 0 unknown item
}

func producer(out chan<- int, n int) {
	for i := range n {
		out <- i
	}
	close(out)
}

func consumer(in <-chan int) int {
	sum := 0
	for v := range in {
		sum += v
	}
	return sum
}

func Example_channelOfGoroutines() {
	ch := make(chan int, 4)
	go producer(ch, 100)
	fmt.Println(consumer(ch))

	// Output:
	// 4950
}

type producing struct{ i, n int }

type ends struct{ ch *coro.Chan[int] }

var produce = coro.DefineHeld("produce", func(f *coro.Frame[producing, struct{}], held *ends) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if s.i == s.n {
		held.ch.Close()
		return f.Return(struct{}{})
	}
	s.i++
	return held.ch.Send(f, 0, s.i-1)
})

type consuming struct{ v, sum int }

var consume = coro.DefineHeld("consume", func(f *coro.Frame[consuming, int], held *ends) coro.Step {
	s := &f.State
	if f.At() == 1 {
		if errors.Is(f.Err(), coro.ErrChanClosed) {
			return f.Return(s.sum)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		s.sum += s.v
	}
	return held.ch.Recv(f, 1, &s.v)
})

func Example_chanOfTasks() {
	pool := executor.NewPool()
	defer pool.Close()
	ch := coro.NewChan[int](4)
	if err := coro.GoHeld(pool, produce, producing{n: 100}, ends{ch}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(coro.Run(context.Background(), pool, consume.With(consuming{}, ends{ch})))

	// Output:
	// 4950 <nil>
}

func countTogether(n int) int {
	var mutex sync.Mutex
	counter := 0 // guarded by mutex
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			mutex.Lock()
			defer mutex.Unlock()
			counter++
		})
	}
	all.Wait()
	return counter
}

func Example_mutexOfGoroutines() {
	fmt.Println(countTogether(10))

	// Output:
	// 10
}

// shared is used by tasks of several kinds.
type shared struct {
	mutex   coro.Mutex
	counter int // guarded by mutex
	all     coro.WaitGroup
}

type using struct{ *shared }

var increment = coro.DefineHeld("increment", func(f *coro.Frame[struct{}, struct{}], held *using) coro.Step {
	if f.At() == 0 {
		return held.mutex.Lock(f, 1)
	}
	defer held.all.Done()
	if f.Err() != nil {
		return f.Fail(f.Err()) // without the mutex
	}
	held.counter++
	held.mutex.Unlock()
	return f.Return(struct{}{})
})

var await = coro.DefineHeld("await", func(f *coro.Frame[struct{}, int], held *using) coro.Step {
	if f.At() == 0 {
		return held.all.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(held.counter)
})

func Example_mutexOfTasks() {
	pool := executor.NewPool()
	defer pool.Close()
	s := new(shared)
	s.all.Add(10)
	for range 10 {
		if err := coro.GoHeld(pool, increment, struct{}{}, using{s}); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(coro.Run(context.Background(), pool, await.With(struct{}{}, using{s})))

	// Output:
	// 10 <nil>
}

func pricesOf(items []int) ([]int, error) {
	prices := make([]int, len(items))
	errs := make([]error, len(items))
	var all sync.WaitGroup
	for i, item := range items {
		all.Go(func() { prices[i], errs[i] = priceOf(item) })
	}
	all.Wait()
	return prices, errors.Join(errs...)
}

func Example_waitGroupOfGoroutines() {
	fmt.Println(pricesOf([]int{1, 2, 3}))

	// Output:
	// [10 20 30] <nil>
}

// shopping is a held part: slices are on the Go heap.
type shopping struct{ items, prices []int }

var prices = coro.DefineHeld("prices", func(f *coro.Frame[struct{}, []int], held *shopping) coro.Step {
	if f.At() == 0 {
		held.prices = make([]int, len(held.items))
		return coro.All(f, 1, price, held.items, held.prices)
	}
	if f.Err() != nil {
		return f.Fail(f.Err()) // the others were cancelled
	}
	return f.Return(held.prices)
})

func Example_allOfTasks() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx := context.Background()
	fmt.Println(coro.Run(ctx, pool, prices.With(struct{}{}, shopping{items: []int{1, 2, 3}})))
	fmt.Println(coro.Run(ctx, pool, prices.With(struct{}{}, shopping{items: []int{1, 200, 3}})))

	// Output:
	// [10 20 30] <nil>
	// [] unknown item
}

func thinkFor(ctx context.Context, d time.Duration) (int, error) {
	select {
	case <-time.After(d):
		return 42, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func decideWithin(ctx context.Context, takes, limit time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	answer, err := thinkFor(ctx, takes)
	if errors.Is(err, context.DeadlineExceeded) {
		return -1, nil
	}
	return answer, err
}

func Example_timeoutOfAGoroutine() {
	ctx := context.Background()
	fmt.Println(decideWithin(ctx, time.Millisecond, time.Hour))
	fmt.Println(decideWithin(ctx, time.Hour, time.Millisecond))

	// Output:
	// 42 <nil>
	// -1 <nil>
}

func pingOnce(host, attempt int) (time.Duration, error) {
	if attempt < 2 {
		return 0, errNoAnswer
	}
	return time.Duration(host) * time.Millisecond, nil
}

func pingAgain(ctx context.Context) (time.Duration, error) {
	for attempt := 0; ; {
		rtt, err := pingOnce(7, attempt)
		if err == nil {
			return rtt, nil
		}
		if attempt++; attempt == 3 {
			return 0, err
		}
		select {
		case <-time.After(time.Millisecond << attempt):
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

func Example_retryOfAGoroutine() {
	fmt.Println(pingAgain(context.Background()))

	// Output:
	// 7ms <nil>
}

func addUntil(ctx context.Context, numbers <-chan int, stop <-chan struct{}) (int, error) {
	sum := 0
	for {
		select {
		case n, ok := <-numbers:
			if !ok {
				numbers = nil // its case is disabled from now on
				continue
			}
			sum += n
		case <-stop:
			return sum, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

func Example_selectOfAGoroutine() {
	numbers, stop := make(chan int), make(chan struct{})
	go func() {
		for n := range 5 {
			numbers <- n
		}
		close(stop)
	}()
	fmt.Println(addUntil(context.Background(), numbers, stop))

	// Output:
	// 10 <nil>
}

var errTooLong = errors.New("it takes too long")

func waitFor(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func Example_cancelAGoroutine() {
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error)
	go func() { ended <- waitFor(ctx, nil) }()
	cancel(errTooLong)
	fmt.Println(<-ended)

	// Output:
	// it takes too long
}

var untilReady = coro.DefineHeld("until ready", func(f *coro.Frame[struct{}, struct{}], ready **coro.Event) coro.Step {
	if f.At() == 0 {
		return (*ready).Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(struct{}{})
})

func Example_cancelATask() {
	pool := executor.NewPool()
	defer pool.Close()
	handle, err := coro.Start(pool, untilReady.With(struct{}{}, new(coro.Event)))
	if err != nil {
		fmt.Println(err)
		return
	}
	handle.Cancel(errTooLong)
	_, err = handle.Wait(context.Background())
	fmt.Println(err)

	// Output:
	// it takes too long
}

// purse is shared by goroutines.
type purse struct {
	sync.Mutex
	gold int // guarded by the Mutex
}

func (p *purse) withdraw(parts int) (part int, err error) {
	p.Lock()
	defer p.Unlock()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	part = p.gold / parts // may panic
	p.gold -= part
	return part, nil
}

func Example_deferInAGoroutine() {
	p := &purse{gold: 90}
	fmt.Println(p.withdraw(0))
	fmt.Println(p.withdraw(3))

	// Output:
	// 0 panic: runtime error: integer divide by zero
	// 30 <nil>
}

func countsOf(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; n > 0; n-- {
			if !yield(n) {
				return
			}
		}
	}
}

func Example_iterator() {
	for v := range countsOf(3) {
		fmt.Println(v)
	}

	// Output:
	// 3
	// 2
	// 1
}

type countdown struct{ n int }

var counts = coro.DefineSeq("counts", func(f *coro.SeqFrame[countdown, int]) coro.Step {
	if f.State.n == 0 {
		return f.Return()
	}
	f.State.n--
	return coro.YieldValue(f, 0, f.State.n+1)
})

func Example_generator() {
	for v := range counts.Seq(countdown{3}) {
		fmt.Println(v)
	}

	// Output:
	// 3
	// 2
	// 1
}
