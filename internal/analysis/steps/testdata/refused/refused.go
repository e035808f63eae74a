// Package refused has steps that do not ask whether a wait has succeeded.
package refused

import (
	"time"

	"github.com/framearena/framearena/coro"
)

type state struct{ n, chosen int }

var (
	mutex   coro.Mutex
	numbers = coro.NewChan[int](1)
	room    = coro.NewSemaphore(3)
	event   coro.Event
)

var bad = coro.Define("bad", func(f *coro.Frame[state, int]) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		return mutex.Lock(f, 1) // want `mutex.Lock can be refused, and the step at 1 does not ask f.Err\(\): it may not have the lock; begin that step with if f.Err\(\) != nil { return f.Fail\(f.Err\(\)\) }`
	case 1:
		mutex.Unlock()
		return numbers.Recv(f, 2, &s.n) // want `numbers.Recv can be refused, and the step at 2 does not ask f.Err\(\): it may not have received a value`
	case 2:
		return numbers.Send(f, 3, 1) // want `its value may not have been sent`
	case 3:
		return coro.Select(f, 4, &s.chosen, numbers.RecvCase(nil)) // want `it may be that no case has happened`
	case 4:
		return room.Acquire(f, 5, 1) // want `it may not have acquired anything`
	case 5:
		return coro.Blocking(f, 6, func() (int, error) { return 1, nil }, &s.n) // want `it may not have a result`
	default:
		return f.Return(s.n)
	}
})

var endless = coro.Define("endless", func(f *coro.Frame[state, int]) coro.Step {
	println("hello")
	return coro.Sleep(f, 0, time.Second) // want `coro.Sleep can be refused, and the step at 0 does not ask f.Err\(\): a cancelled task would wait again, be refused at once, and so on for ever`
})

var pair = coro.Define("pair", func(f *coro.Frame[state, int]) coro.Step {
	switch f.At() {
	case 0:
		return coro.Sleep(f, 1, time.Second)
	case 1:
		return coro.Yield(f, 0)
	default:
		return f.BadResume()
	}
})

var good = coro.Define("good", func(f *coro.Frame[state, int]) coro.Step {
	s := &f.State
	if f.At() == 1 {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		mutex.Unlock()
		return coro.Select(f, 2, &s.chosen, numbers.RecvCase(nil), coro.Default())
	}
	if f.At() == 2 {
		return numbers.Recv(f, 3, &s.n)
	}
	if f.At() == 3 && failed(f) {
		return f.Fail(f.Err())
	}
	return mutex.Lock(f, 1)
})

func failed(f *coro.Frame[state, int]) bool { return f.Err() != nil }

// counted ends by itself: a refused wait costs a round.
var counted = coro.Define("counted", func(f *coro.Frame[state, int]) coro.Step {
	if f.State.n--; f.State.n < 0 {
		return f.Return(1)
	}
	return event.Wait(f, 0)
})

// byContext asks its context.
var byContext = coro.Define("by context", func(f *coro.Frame[state, int]) coro.Step {
	if f.Context().Err() != nil {
		return f.Return(1)
	}
	return mutex.Lock(f, 0)
})
