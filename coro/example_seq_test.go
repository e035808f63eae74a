package coro_test

import (
	"errors"
	"fmt"

	"github.com/framearena/framearena/coro"
)

// A generator's state is what a closure's variables would be.
func ExampleDefineSeq() {
	type state struct{ a, b int }
	fibonacci := coro.DefineSeq("fibonacci", func(f *coro.SeqFrame[state, int]) coro.Step {
		s := &f.State
		s.a, s.b = s.b, s.a+s.b
		return coro.YieldValue(f, 0, s.a)
	})

	for v := range fibonacci.Seq(state{0, 1}) {
		if v > 50 {
			break // ends the generator
		}
		fmt.Print(v, " ")
	}
	fmt.Println()

	// Output:
	// 1 1 2 3 5 8 13 21 34
}

// A generator awaits tasks between its values, and may fail.
func ExampleSeqKind_Seq2() {
	errNoPage := errors.New("no such page")
	type page struct{ number, items int }
	fetch := coro.Define("fetch", func(f *coro.Frame[int, int]) coro.Step {
		if f.State == 3 {
			return f.Fail(errNoPage)
		}
		return f.Return(10 * f.State)
	})
	pages := coro.DefineSeq("pages", func(f *coro.SeqFrame[page, int]) coro.Step {
		switch s := &f.State; f.At() {
		case 0:
			s.number++
			return coro.Await(&f.Frame, 1, fetch, s.number, &s.items)
		case 1:
			if err := f.Err(); err != nil {
				return f.Fail(err)
			}
			return coro.YieldValue(f, 0, s.items)
		default:
			return f.BadResume()
		}
	})

	for items, err := range pages.Seq2(page{}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(items, "items")
	}

	// Output:
	// 10 items
	// 20 items
	// no such page
}

// A generator that yields the values of others of its kind, at any depth.
func ExampleYieldFrom() {
	type span struct{ low, high int }
	inOrder := coro.DefineSeq("in order", func(f *coro.SeqFrame[span, int]) coro.Step {
		s := f.State
		middle := (s.low + s.high) / 2
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case s.low == s.high:
			return f.Return()
		}
		switch f.At() {
		case 0:
			return coro.YieldFrom(f, 1, f.Kind(), span{s.low, middle})
		case 1:
			return coro.YieldValue(f, 2, middle)
		case 2:
			return coro.YieldFrom(f, 3, f.Kind(), span{middle + 1, s.high})
		default:
			return f.Return()
		}
	})

	for v := range inOrder.Seq(span{0, 10}) {
		fmt.Print(v, " ")
	}
	fmt.Println()

	// Output:
	// 0 1 2 3 4 5 6 7 8 9
}
