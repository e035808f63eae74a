package fuzz

import (
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
