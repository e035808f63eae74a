// Package twice has steps that make two Steps.
package twice

import (
	"errors"
	"time"

	"github.com/framearena/framearena/coro"
)

var leaf = coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
	return f.Return(f.State)
})

var mutex coro.Mutex

var bad = coro.Define("bad", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		step := coro.Sleep(f, 1, time.Second)
		if f.State > 3 {
			return f.Return(3) // want `f.Return makes a second Step in one step, after coro.Sleep in line 20: return each Step at once`
		}
		return step
	case 1:
		step := mutex.Lock(f, 2)
		step = coro.Await(f, 2, leaf, 1, nil) // want `coro.Await makes a second Step in one step, after mutex.Lock in line 26`
		return step
	case 2:
		var step coro.Step
		for range 2 {
			step = coro.Yield(f, 3) // want `coro.Yield makes a second Step in one step, after coro.Yield in line 32`
		}
		return step
	case 3:
		return either(coro.Yield(f, 4), coro.Sleep(f, 4, time.Second)) // want `coro.Sleep makes a second Step in one step, after coro.Yield`
	case 4:
		var step coro.Step
		if f.State > 3 {
			step = pause(f)
		}
		step = coro.Yield(f, 5) // want `coro.Yield makes a second Step in one step, after pause in line 40`
		return step
	case 5:
		return f.Return(0)
	default:
		return f.BadResume()
	}
})

func either(a, b coro.Step) coro.Step {
	if a == (coro.Step{}) {
		return b
	}
	return a
}

func pause(f coro.AnyFrame) coro.Step { return coro.Sleep(f, 5, time.Second) }

var good = coro.Define("good", func(f *coro.Frame[int, int]) coro.Step {
	var step coro.Step
	if f.At() == 0 {
		step = coro.Sleep(f, 1, time.Second)
	} else {
		step = f.Return(1)
	}
	for range f.State {
		if f.State == 7 {
			return f.Fail(errors.New("seven")) //framearena:ignore the Sleep is not needed then
		}
	}
	return step
})

// exclusive has two conditions, of which the analyzer does not know that one excludes the other.
var exclusive = coro.Define("exclusive", func(f *coro.Frame[int, int]) coro.Step {
	var step coro.Step
	if f.State > 0 {
		step = coro.Sleep(f, 1, time.Second)
	}
	if f.State <= 0 {
		step = f.Return(1)
	}
	return step
})

// choice is two literals, each with a Step of its own.
var choice = coro.Define("choice", func(f *coro.Frame[int, int]) coro.Step {
	again := func() coro.Step { return coro.Yield(f, 0) }
	last := func() coro.Step { return f.Return(1) }
	if f.State == 0 {
		return last()
	}
	return again()
})
