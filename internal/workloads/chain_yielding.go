package workloads

import "github.com/framearena/framearena/coro"

// YieldingRepeat is the state of a task of [YieldingChain]: it awaits a child of the same kind Left
// more times. The leaves whose number Every divides yield.
type YieldingRepeat struct{ Left, Every int }

// YieldingChain is [Chain] with leaves that yield: each one if its state's Every is 1, each tenth if
// it is 10, and none if it is 0. Leaves are numbered by [ChainLeaves].
var (
	YieldingChain = coro.Define("yielding chain loop", func(f *coro.Frame[YieldingRepeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, yielding1, YieldingRepeat{5, f.State.Every}, nil)
	}, coro.NeverElided())

	yielding1 = coro.Define("yielding chain depth 1", func(f *coro.Frame[YieldingRepeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, yielding2, YieldingRepeat{3, f.State.Every}, nil)
	}, coro.NeverElided())

	yielding2 = coro.Define("yielding chain depth 2", func(f *coro.Frame[YieldingRepeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, yielding3, YieldingRepeat{3, f.State.Every}, nil)
	}, coro.NeverElided())

	yielding3 = coro.Define("yielding chain depth 3", func(f *coro.Frame[YieldingRepeat, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.State.Left == 0 {
			return f.Return(none{})
		}
		f.State.Left--
		return coro.Await(f, 0, yieldingLeaf, f.State.Every, nil)
	}, coro.NeverElided())

	yieldingLeaf = coro.Define("yielding chain leaf", func(f *coro.Frame[int, none]) coro.Step {
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if f.At() == 0 && LeafYields(f.State) {
			return coro.Yield(f, 1)
		}
		return f.Return(none{})
	}, coro.NeverElided())
)

// LeafYields adds 1 to [ChainLeaves], and reports whether every divides the sum. It doesn't if every
// is 0.
func LeafYields(every int) bool {
	n := ChainLeaves.Add(1)
	return every != 0 && uint32(n)%uint32(every) == 0
}
