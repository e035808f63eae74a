package refused

import "github.com/framearena/framearena/coro"

func Example() {
	coro.Define("example", func(f *coro.Frame[state, int]) coro.Step {
		if f.At() == 1 {
			return f.Return(1)
		}
		return mutex.Lock(f, 1) // want `mutex.Lock can be refused`
	})
	// Output:
}
