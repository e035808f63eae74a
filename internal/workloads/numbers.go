package workloads

import (
	"iter"

	"github.com/framearena/framearena/coro"
)

// UpTo is the state of a generator of the numbers from Next up to, but not including, End.
type UpTo struct{ Next, End int }

// Numbers yields the numbers of an [UpTo]. It measures what a value of a generator costs: a
// suspension, and the loop that takes the value.
var Numbers = coro.DefineSeq("numbers", func(f *coro.SeqFrame[UpTo, int]) coro.Step {
	s := &f.State
	if s.Next == s.End {
		return f.Return()
	}
	s.Next++
	return coro.YieldValue(f, 0, s.Next-1)
})

// PushNumbers is [Numbers] as a function that calls the loop's body. Nothing is suspended,
// unless by [iter.Pull]. It must not be inlined: the compiler would make a plain loop of it.
//
//go:noinline
func PushNumbers(s UpTo) iter.Seq[int] {
	return func(yield func(int) bool) {
		for s.Next != s.End {
			s.Next++
			if !yield(s.Next - 1) {
				return
			}
		}
	}
}
