package coro_test

import (
	"testing"

	"github.com/framearena/framearena/coro"
)

// Launching and ending a task with a held part, and awaiting one.
func BenchmarkHeld(b *testing.B) {
	type held struct {
		text  string
		bytes []byte
	}
	leaf := coro.DefineHeld("leaf", func(f *coro.Frame[int, string], h *held) coro.Step { return f.Return(h.text) })
	awaits := coro.DefineHeld("awaits", func(f *coro.Frame[int, none], h *held) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		return coro.AwaitHeld(f, 0, leaf, 0, held{text: "x", bytes: h.bytes}, &h.text)
	})
	ex := newInline(b)
	b.Run("launch", func(b *testing.B) {
		for b.Loop() {
			if err := coro.GoHeld(ex, leaf, 0, held{text: "x"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("await", func(b *testing.B) {
		if err := coro.GoHeld(ex, awaits, b.N, held{}); err != nil {
			b.Fatal(err)
		}
	})
}
