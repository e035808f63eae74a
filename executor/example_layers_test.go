package executor_test

import (
	"fmt"
	"sync"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// State that only tasks of one Strand use needs no lock.
func ExampleNewStrand() {
	pool := executor.NewPool()
	defer pool.Close()

	account := executor.NewStrand(pool)
	balance := 0
	var done sync.WaitGroup
	deposit := coro.Define("deposit", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.At() == 0 {
			balance += f.State
			return coro.Yield(f, 1) // other deposits go first, one after the other
		}
		done.Done()
		return f.Return(struct{}{})
	})
	for range 1000 {
		done.Add(1)
		go coro.Go(account, deposit, 3)
	}
	done.Wait()
	fmt.Println(balance)

	// Output:
	// 3000
}

// A test says how far tasks get before it looks.
func ExampleNewLoop() {
	loop := executor.NewLoop()
	defer loop.Close()

	var door coro.Event
	guest := coro.Define("guest", func(f *coro.Frame[int, struct{}]) coro.Step {
		if f.At() == 0 {
			fmt.Println("guest", f.State, "rings")
			return door.Wait(f, 1)
		}
		fmt.Println("guest", f.State, "comes in")
		return f.Return(struct{}{})
	})
	for i := range 2 {
		if err := coro.Go(loop, guest, i+1); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(loop.RunOne())
	fmt.Println(loop.RunUntilIdle())
	door.Set()
	fmt.Println(loop.RunUntilIdle())

	// Output:
	// guest 1 rings
	// true
	// guest 2 rings
	// 1
	// guest 1 comes in
	// guest 2 comes in
	// 2
}

// Another event loop runs the tasks when it has nothing else to do.
func ExampleLoop_Ready() {
	loop := executor.NewLoop()
	defer loop.Close()

	inputs := make(chan string)
	greet := coro.Define("greet", func(f *coro.Frame[int, struct{}]) coro.Step {
		fmt.Println("greetings from task", f.State)
		close(inputs)
		return f.Return(struct{}{})
	})
	go func() {
		inputs <- "a key"
		coro.Go(loop, greet, 1) // wakes the other event loop
	}()
	for inputs := inputs; inputs != nil; {
		select {
		case input, ok := <-inputs:
			if !ok {
				inputs = nil
				break
			}
			fmt.Println("input:", input)
		case <-loop.Ready():
			loop.RunUntilIdle()
		}
	}

	// Output:
	// input: a key
	// greetings from task 1
}
