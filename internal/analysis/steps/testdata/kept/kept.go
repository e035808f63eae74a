// Package kept has frames, and addresses in their states, that are kept.
package kept

import (
	"context"
	"sync"
	"time"

	"github.com/framearena/framearena/coro"
)

type state struct {
	n    int
	text [8]byte
}

type held struct {
	name  string
	n     *int
	text  []byte
	frame *coro.Frame[state, int]
	all   []*int
}

var (
	global *coro.Frame[state, int]
	list   []*int
	byName = make(map[string]*int)
	frames = make(chan *coro.Frame[state, int], 1)
	group  sync.WaitGroup
)

func use(*int) {}

var bad = coro.DefineHeld("bad", func(f *coro.Frame[state, int], h *held) coro.Step {
	s := &f.State
	global = f                   // want `the frame is stored in a package-level variable, and may be used after the step: keep copies of what is in the state`
	list = append(list, &s.n)    // want `the address of the state is stored in a package-level variable`
	byName["n"] = &f.State.n     // want `the address of the state is stored in a package-level variable`
	h.n = &s.n                   // want `the address of the state is stored in the held part`
	h.text = s.text[:3]          // want `the address of the state is stored in the held part`
	h.frame = f                  // want `the frame is stored in the held part`
	h.all = []*int{nil, &s.n}    // want `the address of the state is stored in the held part`
	frames <- f                  // want `the frame is sent over a channel`
	go use(&s.n)                 // want `the address of the state is given to a goroutine`
	go func() { println(s.n) }() // want `the address of the state is given to a goroutine, and may be used after the step: copy what the function needs to local variables before`
	group.Go(func() {
		println(f.State.n) // want `the frame is given to a function that runs later`
	})
	time.AfterFunc(time.Second, func() { use(&s.n) }) // want `the address of the state is given to a function that runs later`
	context.AfterFunc(f.Context(), func() {
		f.State.n = 1 // want `the frame is given to a function that runs later`
	})
	return coro.Blocking(f, 1, func() (int, error) {
		println(h.name) // want `the held part is used by the function of Blocking`
		return 1, nil
	}, &s.n)
})

func outer() {
	var kept *coro.Frame[int, int]
	coro.Define("outer", func(f *coro.Frame[int, int]) coro.Step {
		kept = f // want `the frame is stored in a variable outside of the step function`
		return f.Return(1)
	})
	_ = kept
}

var good = coro.DefineHeld("good", func(f *coro.Frame[state, int], h *held) coro.Step {
	s := &f.State
	n, name, ctx := s.n, h.name, f.Context()
	h.text = append(h.text, s.text[:]...) // copies
	h.name = name
	local := &s.n
	use(local)
	use(&s.n)
	func() { println(s.n) }()
	go func() { println(n, name, ctx.Err()) }()
	go use(&n)
	h.n = new(s.n)
	copied := f.State
	h.n = &copied.n
	return coro.Blocking(f, 1, func() (int, error) { return len(name), ctx.Err() }, &s.n)
})
