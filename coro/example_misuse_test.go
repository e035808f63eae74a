package coro_test

import (
	"context"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

//framearena:ignore it shows mistakes
func ExampleFrame_BadResume() {
	count := coro.Define("count", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			f.State++
			return coro.Yield(f, 2) // there is no case 2
		case 1:
			return f.Return(f.State)
		default:
			return f.BadResume()
		}
	})
	ex := executor.NewInline()
	defer ex.Close()
	_, err := coro.Run(context.Background(), ex, count.With(0))
	if p, ok := err.(*coro.PanicError); ok {
		fmt.Println(p.Value)
	}

	// Output:
	// coro: task "count" has no resume point 2: give its step function a case for each number that it gives to Await or Yield
}
