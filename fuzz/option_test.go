package fuzz

import (
	"fmt"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// Each call takes the options that it can use, and the compiler refuses the others.
func TestWhichCallTakesWhichOption(t *testing.T) {
	for _, c := range []struct {
		option           StressOption
		inCheck, inOther bool
	}{
		{Zeroed(), true, true},
		{Promises{Zeroed()}, true, true},
		{Seed(1), true, false},
		{Operations(1), true, false},
		{Goroutines(1), false, false},
	} {
		_, inCheck := c.option.(CheckOption)
		_, inOther := c.option.(Option)
		require.Equal(t, c.inCheck, inCheck)
		require.Equal(t, c.inOther, inOther)
	}
}

func TestNilOptions(t *testing.T) {
	const says = "fuzz: an option is nil: leave it out"
	newHeap := func(testing.TB) arena.FrameAllocator { return new(arena.Heap) }
	require.PanicsWithValue(t, says, func() { Check(t, newHeap, nil) })
	require.PanicsWithValue(t, says, func() { Check(t, newHeap, Promises{nil}) })
	require.PanicsWithValue(t, says, func() { Replay(t, newHeap, nil, nil) })
	require.PanicsWithValue(t, says, func() { Stress(t, newHeap, Concurrent(), nil) })
}

// Arguments that make no sense panic with a sentence. Without it they divide by zero, pass a
// broken allocator or fail in the middle of a program.
func TestArgumentsThatMakeNoSense(t *testing.T) {
	newHeap := func(testing.TB) arena.FrameAllocator { return new(arena.Heap) }
	for says, o := range map[string]StressOption{
		"Align(0): an alignment is a power of two":                           Align(0),
		"Align(24): an alignment is a power of two":                          Align(24),
		"AlignFor(nil): pass the function":                                   AlignFor(nil),
		"MaxSize(0): the largest size must be at least 1 byte":               MaxSize(0),
		"MaxSize(" + fmt.Sprint(^uintptr(0)) + "): the largest size must be": MaxSize(^uintptr(0)),
		"Sizes(0): the largest size must be at least 1 byte":                 Sizes(0),
		"Sizes(" + fmt.Sprint(^uintptr(0)) + "): the largest size must be":   Sizes(^uintptr(0)),
		"Budget(0, …): an allocator that refuses everything":                 Budget(0, nil),
		"Recycles(0, …): frames of no bytes are not recycled":                Recycles(0, 0),
		"Recycles(…, -1): the number of frames that are out of reach":        Recycles(1, -1),
		"LiveFrames without a function: leave the option out":                LiveFrames[*arena.Heap](nil),
		"LiveBytes without a function: leave the option out":                 LiveBytes[*arena.Heap](nil, nil),
		"Refusals without a function: leave the option out":                  Refusals[*arena.Heap](nil),
		"Trims without a function: leave the option out":                     Trims[*arena.Heap](nil),
		"Caches without a function: leave the option out":                    Caches[*arena.Heap](nil),
		"Validates without a function: leave the option out":                 Validates[*arena.Heap](nil),
		"Operations(0): at least one operation must be done":                 Operations(0),
		"Operations(-1): at least one operation must be done":                Operations(-1),
		"Goroutines(0): must be from 1, or nothing is tested, to 4096":       Goroutines(0),
		"Goroutines(-1): must be from 1, or nothing is tested, to 4096":      Goroutines(-1),
		"Goroutines(1000000): must be from 1, or nothing is tested, to 4096": Goroutines(1_000_000),
	} {
		requireSays(t, says, func() { Stress(t, newHeap, Concurrent(), o) })
		if o, ok := o.(CheckOption); ok {
			requireSays(t, says, func() { Check(t, newHeap, o) })
		}
		if o, ok := o.(Option); ok {
			requireSays(t, says, func() { Replay(t, newHeap, nil, o) })
			requireSays(t, says, func() { Replay(t, newHeap, nil, Promises{o}) })
		}
	}
	requireSays(t, "the constructor is nil: pass a function", func() { Check(t, nil) })
	requireSays(t, "the constructor is nil: pass a function", func() { Stress(t, nil) })
	requireSays(t, "the constructor is nil: pass a function", func() { Replay(t, nil, nil) })
	requireSays(t, "NewMemory without a testing.TB", func() { NewMemory(nil) })
	requireSays(t, "the function of AlignFor returned 3 for frames of 7 bytes", func() { newConfig(AlignFor(func(uintptr) uintptr { return 3 })).align(7) })
}

// requireSays requires that f panics with a sentence of this package.
func requireSays(t *testing.T, says string, f func()) {
	t.Helper()
	end := isolate(f)
	require.Contains(t, fmt.Sprint(end.panicked), "fuzz: "+says)
}

// The least and the largest arguments that make sense do their work.
func TestArgumentsAtTheEdge(t *testing.T) {
	newHeap := func(testing.TB) arena.FrameAllocator { return new(arena.Heap) }
	for _, o := range []Option{Align(1), Sizes(1), Sizes(maxAskedSize), Recycles(1, 1<<30)} {
		Check(t, newHeap, o, Operations(1))
		Stress(t, newHeap, o, Concurrent(), Operations(1), Goroutines(1))
	}
	Stress(t, newHeap, Concurrent(), Operations(1), Goroutines(200))
	f := newConfig[StressOption](Concurrent(), Operations(200), Goroutines(1)).stress(t, func(testing.TB) arena.FrameAllocator { return new(steady) })
	require.NotNil(t, f, "one goroutine finds a broken allocator")
}

func TestOptionForAnotherType(t *testing.T) {
	o := newConfig(LiveFrames((*arena.Monotonic).Live)).execute(t, newFaultless, Program{{Do: Verify}})
	require.Equal(t, Panicked, o.violation.invariant)
	require.Contains(t, o.violation.text, "fuzz: an option is for an allocator of type *arena.Monotonic, and the constructor returned a *fuzz.binned")
}

func TestStressWantsConcurrent(t *testing.T) {
	s := &fakeTB{TB: t}
	isolate(func() { Stress(s, newFaultless) })
	require.True(t, s.failed)
}
