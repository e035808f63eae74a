// Package dropped has Steps that are not returned.
package dropped

import (
	"errors"
	"time"

	"github.com/framearena/framearena/coro"
)

type state struct {
	n  int
	mu coro.Group
}

var leaf = coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
	return f.Return(f.State)
})

var mutex coro.Mutex

var bad = coro.Define("bad", func(f *coro.Frame[state, int]) coro.Step {
	switch f.At() {
	case 0:
		coro.Sleep(f, 1, time.Second) // want `the Step of coro.Sleep is not returned, so what it describes does not happen: write return coro.Sleep\(…\)`
	case 1:
		coro.Await(f, 2, leaf, 1, &f.State.n) // want `the Step of coro.Await is not returned`
		return f.Return(1)
	case 2:
		if f.Err() != nil {
			f.Fail(f.Err()) // want `the Step of f.Fail is not returned`
		}
		mutex.Lock(f, 3) // want `the Step of mutex.Lock is not returned`
	case 3:
		_ = coro.Yield(f, 4) // want `the Step of coro.Yield is not returned`
	case 4:
		defer helper(f)       // want `the Step of helper is not returned`
		f.State.mu.Wait(f, 5) // want `the Step of f.State.mu.Wait is not returned`
	default:
		f.BadResume() // want `the Step of f.BadResume is not returned`
	}
	return f.Return(0)
})

func helper(f coro.AnyFrame) coro.Step {
	coro.SleepUntil(f, 1, time.Time{}) // want `the Step of coro.SleepUntil is not returned`
	return coro.Sleep(f, 1, time.Second)
}

// begin returns no Step, so there is no fix.
func begin(f coro.AnyFrame) {
	coro.Sleep(f, 1, time.Second) // want `the Step of coro.Sleep is not returned`
}

var good = coro.Define("good", func(f *coro.Frame[state, int]) coro.Step {
	coro.Spawn(f, &f.State.mu, leaf, 1, nil) // Spawn makes no Step
	step := coro.Yield(f, 1)
	if f.At() == 1 {
		return f.Fail(errors.New("no"))
	}
	return step
})

var onPurpose = coro.Define("on purpose", func(f *coro.Frame[state, int]) coro.Step {
	coro.Sleep(f, 1, time.Second) //framearena:ignore the test needs it
	//framearena:ignore this one, too
	coro.Sleep(f, 1, time.Second)
	return f.Return(0)
})

// whole is wrong from its first line to its last.
//
//framearena:ignore
func whole(f coro.AnyFrame) {
	coro.Sleep(f, 1, time.Second)
	coro.Sleep(f, 1, time.Second)
}
