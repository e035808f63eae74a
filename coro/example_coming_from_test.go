package coro_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

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

// shared is what tasks of several kinds use together.
type shared struct {
	mutex   coro.Mutex
	counter int // guarded by mutex
	all     coro.Latch
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
