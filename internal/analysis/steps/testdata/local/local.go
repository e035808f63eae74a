// Package local has local variables that should outlive a step.
package local

import (
	"os"
	"time"

	"github.com/framearena/framearena/coro"
)

type state struct {
	children coro.Group
	n        int
	sizes    [3]int
	box      struct{ n int }
}

type held struct {
	name string
	text []byte
	to   *int
}

var leaf = coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
	return f.Return(f.State)
})

var (
	numbers = coro.NewChan[int](1)
	global  int
)

var results = coro.DefineHeld("results", func(f *coro.Frame[state, int], h *held) coro.Step {
	s := &f.State
	var local int
	var boxes [2]struct{ n int }
	copied := f.State
	switch f.At() {
	case 0:
		return coro.Await(f, 1, leaf, 1, &local) // want `local is a local variable, which is gone when the result comes: give coro.Await the address of a field of the state or of the held part, or nil`
	case 1:
		return numbers.Recv(f, 2, &boxes[1].n) // want `boxes\[1\].n is a local variable`
	case 2:
		return coro.Select(f, 3, &local, numbers.RecvCase(nil)) // want `local is a local variable`
	case 3:
		return coro.Await(f, 4, leaf, 1, &copied.n) // want `copied.n is a local variable`
	case 4:
		coro.Spawn(f, &s.children, leaf, 1, &global) // want `global is not in this task's state or held part`
		coro.Spawn(f, &s.children, leaf, 1, &s.n)
		coro.Spawn(f, &s.children, leaf, 1, &s.sizes[local])
		coro.SpawnCall(f, &f.State.children, leaf.With(1), &f.State.box.n)
		return s.children.Wait(f, 5)
	case 5:
		return coro.Await(f, 6, leaf, 1, nil)
	case 6:
		return coro.Await(f, 7, leaf, 1, h.to)
	case 7:
		result := &s.n
		return coro.Await(f, 8, leaf, 1, result)
	default:
		return f.Return(s.n)
	}
})

// pointer returns a pointer, which is not where a result goes.
var pointer = coro.DefineHeld("pointer", func(f *coro.Frame[state, *int], h *held) coro.Step {
	n := 1
	return f.Return(&n)
})

var literals = coro.DefineHeld("literals", func(f *coro.Frame[state, int], h *held) coro.Step {
	var size int
	name := h.name
	switch f.At() {
	case 0:
		return coro.Blocking(f, 1, func() ([]byte, error) {
			text, err := os.ReadFile(name)
			size = len(text) // want `size is a local variable of the step function, which has returned when coro.Blocking calls this function: return the value as the result of coro.Blocking`
			return text, err
		}, &h.text)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		func() { size = len(h.text) }()
		return f.Return(size)
	default:
		return f.BadResume()
	}
})

var lost = coro.Define("lost", func(f *coro.Frame[state, int]) coro.Step {
	var started time.Time
	n := f.State.n
	switch f.At() {
	case 0:
		started = time.Now()
		n++
		return coro.Sleep(f, 1, time.Second)
	case 1:
		if time.Since(started) > time.Minute { // want `started was set in line 97, in a step that has returned \(coro.Sleep resumes at 1\): local variables begin anew in each step, so make it a field of the state or of the held part`
			return f.Return(0)
		}
		return f.Return(n) // want `n was set in line 98`
	default:
		return f.BadResume()
	}
})

var kept = coro.Define("kept", func(f *coro.Frame[state, int]) coro.Step {
	s := &f.State
	first, second := 1, 2
	if s.n > 0 { // the same in each step
		first, second = second, first
	}
	var limit, used, again int
	switch f.At() {
	case 0:
		limit = 3
		s.n = limit // kept in the state
		used = 1
		if used > s.n {
			return f.Return(used)
		}
		again = 1
		return coro.Sleep(f, 1, time.Duration(first+again))
	case 1:
		again = 2
		return f.Return(s.n + limit + used + again + second)
	default:
		return f.BadResume()
	}
})
