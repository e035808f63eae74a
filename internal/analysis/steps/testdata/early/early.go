// Package early has results that are read before Group.Wait.
package early

import "github.com/framearena/framearena/coro"

type box struct{ n, m int }

type state struct {
	children coro.Group
	text     int
	images   int
	box      box
	sizes    [3]int
}

type held struct{ name string }

var (
	leaf   = coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	naming = coro.DefineHeld("naming", func(f *coro.Frame[int, string], h *held) coro.Step { return f.Return("name") })
	boxing = coro.Define("boxing", func(f *coro.Frame[int, box]) coro.Step { return f.Return(box{}) })
)

var bad = coro.DefineHeld("bad", func(f *coro.Frame[state, int], h *held) coro.Step {
	s := &f.State
	if f.At() == 0 {
		coro.Spawn(f, &s.children, leaf, 1, &s.text)
		if s.text > 0 { // want `s.text is the result of a child that coro.Spawn has started in line 27 and that may be running: return the Group's Wait, and read it at that resume point`
			return s.children.Wait(f, 2)
		}
		coro.SpawnCall(f, &s.children, naming.With(1, held{}), &h.name)
		println(h.name) // want `h.name is the result of a child that coro.SpawnCall has started in line 31`
		coro.Spawn(f, &f.State.children, boxing, 1, &f.State.box)
		s.images += s.box.n // want `s.box.n is the result of a child`
		coro.Spawn(f, &s.children, leaf, 1, &s.sizes[1])
		s.images = f.State.sizes[0] + f.State.sizes[1] // want `f.State.sizes\[1\] is the result of a child`
		return s.children.Wait(f, 1)
	}
	return f.Return(s.text)
})

var good = coro.DefineHeld("good", func(f *coro.Frame[state, int], h *held) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		s.text = 1
		println(s.text)
		coro.Spawn(f, &s.children, leaf, s.text, &s.text) // the argument is read before
		coro.Spawn(f, &s.children, leaf, s.images, &s.images)
		coro.Spawn(f, &s.children, leaf, 1, &s.sizes[s.box.n])
		println(s.sizes[0]) // which one it is, is not known
		if s.box.n > 0 {
			return s.children.WaitRoom(f, 0)
		}
		return s.children.Wait(f, 1)
	case 1:
		if coro.Won(&s.children, &s.text) {
			return f.Return(s.text)
		}
		return f.Return(s.images)
	default:
		return f.BadResume()
	}
})

// below reads behind the place of the Spawn, at another resume point.
var below = coro.Define("below", func(f *coro.Frame[state, int]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		coro.Spawn(f, &s.children, leaf, 1, &s.text)
	}
	if f.At() == 1 {
		return f.Return(s.text)
	}
	return s.children.Wait(f, 1)
})
