// Package resume has resume points without cases, and cases without waits.
package resume

import (
	"time"

	"github.com/framearena/framearena/coro"
)

const (
	begins = iota
	slept
	locked
	yielded
)

var mutex coro.Mutex

var missing = coro.Define("missing", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case begins:
		return coro.Sleep(f, slept, time.Second)
	case slept:
		return mutex.Lock(f, locked) // want `the step function has no case for the resume point 2, so the task fails there: add a case 2 to the switch over At`
	default:
		return f.BadResume()
	}
})

var unused = coro.Define("unused", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case begins:
		return coro.Sleep(f, slept, time.Second)
	case slept:
		return f.Return(1)
	case locked: // want `nothing resumes this task at 2: give the number to the wait that belongs to it, or delete the case`
		return f.Return(2)
	case coro.Cleanup:
		return f.Fail(f.Err())
	default:
		return f.BadResume()
	}
}, coro.HasCleanup())

var conditions = coro.DefineSeq("conditions", func(f *coro.SeqFrame[int, int]) coro.Step {
	at := f.At()
	if at == 0 {
		return coro.YieldValue(f, 1, f.State)
	}
	if at == 1 {
		return coro.YieldValue(f, 3, f.State) // want `no case for the resume point 3`
	}
	if at != 2 { // want `nothing resumes this task at 2`
		panic("what?")
	}
	return f.Return()
})

// byHelpers gives its frame away: to a function with the numbers in it, and to one with a
// parameter for the number.
var byHelpers = coro.Define("by helpers", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return pause(f)
	case 1:
		return wait(f, 2)
	case 2:
		return wait(f, 4) // want `no case for the resume point 4`
	case 3: // want `nothing resumes this task at 3`
		return f.Return(1)
	default:
		return f.BadResume()
	}
})

func pause(f coro.AnyFrame) coro.Step { return coro.Sleep(f, 1, time.Second) }

func wait(f coro.AnyFrame, at int) coro.Step { return mutex.Lock(f, at) }

// Below is nothing to report.

var withDefault = coro.Define("with a default", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return coro.Sleep(f, 1, time.Second)
	default:
		return f.Return(1)
	}
})

var below = coro.Define("below the switch", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		f.State = 3
	case 1:
		f.State--
	}
	if f.State == 0 {
		return coro.Sleep(f, 2, time.Second)
	}
	return coro.Sleep(f, 1, time.Second)
})

var computed = coro.Define("computed", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return coro.Yield(f, f.State)
	case 1, 2, 3:
		return coro.Yield(f, f.At())
	default:
		return f.BadResume()
	}
})

var given = coro.Define("given away", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return unknownWait(f)
	case 1:
		return f.Return(1)
	default:
		return f.BadResume()
	}
})

var unknownWait func(f *coro.Frame[int, int]) coro.Step

// part is called by another step function, which has the other cases.
func part(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 1:
		return coro.Sleep(f, 2, time.Second)
	default:
		return f.BadResume()
	}
}

var whole = coro.Define("whole", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return coro.Sleep(f, 1, time.Second)
	case 1:
		return part(f)
	case 2:
		return f.Return(1)
	default:
		return f.BadResume()
	}
})

var deeper = coro.Define("deeper", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return outer(f) // want `no case for the resume point 9`
	default:
		return f.BadResume()
	}
})

func outer(f coro.AnyFrame) coro.Step { return inner(f) }

func inner(f coro.AnyFrame) coro.Step { return coro.Sleep(f, 9, time.Second) }

// square is a generator that awaits, and waits in a function that it gives a part of its frame.
var square = coro.DefineSeq("square", func(f *coro.SeqFrame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		return coro.Await(&f.Frame, 1, withDefault, 1, nil)
	case 1:
		return pauseFrame(&f.Frame)
	case 2:
		return f.Return()
	case 3: // want `nothing resumes this task at 3`
		return f.Return()
	default:
		return f.BadResume()
	}
})

func pauseFrame(f *coro.Frame[int, struct{}]) coro.Step { return coro.Sleep(f, 2, time.Second) }

// nested defines another kind, whose resume points are its own.
var nested = coro.Define("nested", func(f *coro.Frame[int, int]) coro.Step {
	switch f.At() {
	case 0:
		coro.Define("inner", func(f *coro.Frame[int, int]) coro.Step {
			if f.At() == 7 {
				return f.Return(1)
			}
			return coro.Sleep(f, 7, time.Second)
		})
		again := func() coro.Step { return coro.Yield(f, 1) }
		return again()
	case 1:
		return f.Return(1)
	default:
		return f.BadResume()
	}
})
