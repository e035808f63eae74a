package coro_test

import (
	"testing"

	"github.com/framearena/framearena/coro"
)

// BenchmarkSelectReady selects over two channels that have a value, and puts it back.
func BenchmarkSelectReady(b *testing.B) {
	b.Run("tasks", func(b *testing.B) {
		ex := newInline(b)
		x, y := coro.NewChan[int](1), coro.NewChan[int](1)
		x.TrySend(1)
		y.TrySend(2)
		type state struct{ left, chosen, v int }
		k := coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				if s.chosen == 0 {
					x.TrySend(s.v)
				} else {
					y.TrySend(s.v)
				}
			}
			if s.left--; s.left < 0 {
				return f.Return(none{})
			}
			return coro.Select(f, 1, &s.chosen, x.RecvCase(&s.v), y.RecvCase(&s.v))
		})
		b.ReportAllocs()
		if err := coro.Go(ex, k, state{left: b.N}); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("goroutines", func(b *testing.B) {
		x, y := make(chan int, 1), make(chan int, 1)
		x <- 1
		y <- 2
		b.ReportAllocs()
		for range b.N {
			select {
			case v := <-x:
				x <- v
			case v := <-y:
				y <- v
			}
		}
	})
}

// BenchmarkSelectWaiting has one side select over two channels of which none is ready,
// and the other send to one of them.
func BenchmarkSelectWaiting(b *testing.B) {
	b.Run("tasks", func(b *testing.B) {
		ex := newInline(b)
		x, y := coro.NewChan[int](0), coro.NewChan[int](0)
		type state struct{ left, chosen, v int }
		recv := coro.Define("recv", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if s.left--; s.left < 0 {
				return f.Return(none{})
			}
			return coro.Select(f, 1, &s.chosen, x.RecvCase(&s.v), y.RecvCase(&s.v))
		})
		send := coro.Define("send", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				return coro.Yield(f, 0) // the other one waits then
			}
			if s.left--; s.left < 0 {
				return f.Return(none{})
			}
			return x.Send(f, 1, s.left)
		})
		b.ReportAllocs()
		if err := coro.Go(ex, recv, state{left: b.N}); err != nil {
			b.Fatal(err)
		}
		if err := coro.Go(ex, send, state{left: b.N}); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("goroutines", func(b *testing.B) {
		x, y := make(chan int), make(chan int)
		done := make(chan none)
		n := b.N
		go func() {
			defer close(done)
			for range n {
				select {
				case <-x:
				case <-y:
				}
			}
		}()
		b.ReportAllocs()
		for i := range n {
			x <- i
		}
		<-done
	})
}
