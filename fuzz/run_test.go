package fuzz

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// fakeTB is a testing.TB that records whether the test was skipped or has failed.
type fakeTB struct {
	testing.TB
	skipped, failed bool
}

func (s *fakeTB) Helper()               {}
func (s *fakeTB) Skip(...any)           { s.skipped = true; runtime.Goexit() }
func (s *fakeTB) Fatal(...any)          { s.failed = true; runtime.Goexit() }
func (s *fakeTB) Fatalf(string, ...any) { s.failed = true; runtime.Goexit() }
func (s *fakeTB) Errorf(string, ...any) { s.failed = true }

func TestConstructorsThatFail(t *testing.T) {
	for _, c := range []struct {
		name      string
		new       func(testing.TB) arena.FrameAllocator
		invariant Invariant
		says      string
	}{
		{"fails", func(t testing.TB) arena.FrameAllocator { t.Fatal("no such luck"); return nil }, Reported, "no such luck"},
		{"reports", func(t testing.TB) arena.FrameAllocator { t.Errorf("no %s", "good"); return new(arena.Heap) }, Reported, "no good"},
		{"panics", func(testing.TB) arena.FrameAllocator { panic("boom") }, Panicked, "the constructor panicked: boom"},
		{"returns nothing", func(testing.TB) arena.FrameAllocator { return nil }, Reported, "returned no allocator"},
		{"cleanup reports", func(t testing.TB) arena.FrameAllocator {
			t.Cleanup(func() { require.Fail(t, "still open") })
			return new(arena.Heap)
		}, Reported, "still open"},
		{"cleanup panics", func(t testing.TB) arena.FrameAllocator {
			t.Cleanup(func() { panic("boom") })
			return new(arena.Heap)
		}, Panicked, "a cleanup panicked: boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := newConfig[Option]().execute(t, c.new, nil)
			require.NotNil(t, o.violation)
			require.Equal(t, c.invariant, o.violation.invariant)
			require.Contains(t, o.violation.text, c.says)
			v, _ := newConfig(Concurrent()).stressOnce(t, c.new)
			require.NotNil(t, v)
			require.Equal(t, c.invariant, v.invariant)
		})
	}
}

// Each run has cleanups of its own. They run in the reverse order, even if some fail.
func TestCleanupsAreDoneAfterEachRun(t *testing.T) {
	var order []int
	f := func(t testing.TB) arena.FrameAllocator {
		t.Cleanup(func() { order = append(order, 1) })
		t.Cleanup(func() { order = append(order, 2); t.FailNow() })
		t.Cleanup(func() { order = append(order, 3); require.False(t, t.Failed()) })
		return new(arena.Heap)
	}
	for range 2 {
		o := newConfig[Option]().execute(t, f, nil)
		require.Equal(t, Reported, o.violation.invariant)
	}
	require.Equal(t, []int{3, 2, 1, 3, 2, 1}, order)
}

func TestConstructorMaySkip(t *testing.T) {
	f := func(t testing.TB) arena.FrameAllocator { t.Skip("not here"); return nil }
	for _, test := range []func(testing.TB){
		func(t testing.TB) { Check(t, f) },
		func(t testing.TB) { Replay(t, f, nil) },
		func(t testing.TB) { Stress(t, f, Concurrent()) },
	} {
		s := &fakeTB{TB: t}
		isolate(func() { test(s) })
		require.True(t, s.skipped)
		require.False(t, s.failed)
	}
}

func TestReplay(t *testing.T) {
	s := &fakeTB{TB: t}
	p := Program{{Do: Allocate, Frame: 1, Size: 129}, {Do: Allocate, Frame: 2, Size: 129}}
	isolate(func() { Replay(s, newBinned(offByOneClass), p) })
	require.True(t, s.failed)
	Replay(t, newFaultless, p, binnedPromises)
}

// A program that was not decoded may have any operations.
func TestReplayOfNonsense(t *testing.T) {
	Replay(t, newFaultless, Program{
		{Do: Free, Frame: 1}, {Do: FreeElsewhere, Frame: 2, Cache: 3}, {Do: Write, Frame: 9}, {Do: Verify, Frame: -1},
		{Do: CloseCache, Cache: 1}, {Do: OpenCache}, {Do: OpenCache, Cache: 1}, {Do: OpenCache, Cache: 1}, {}, {Do: 77},
		{Do: Allocate, Frame: 1, Size: 100}, {Do: Allocate, Frame: 1, Size: 200}, {Do: Grant}, {Do: Refuse}, {Do: Trim},
	}, binnedPromises)
}

// steady answers each request with the same frame.
type steady struct{ frame [4096]byte }

func (s *steady) Allocate(uintptr) unsafe.Pointer    { return unsafe.Pointer(&s.frame) }
func (s *steady) Deallocate(unsafe.Pointer, uintptr) {}

// refusing answers each request with nil.
type refusing struct{}

func (refusing) Allocate(uintptr) unsafe.Pointer    { return nil }
func (refusing) Deallocate(unsafe.Pointer, uintptr) {}

func TestAllocatorsThatDoNothing(t *testing.T) {
	f := newConfig[Option]().check(t, func(testing.TB) arena.FrameAllocator { return refusing{} })
	require.Equal(t, WrongRefusal, f.violation.invariant)
	f = newConfig(MayRefuse()).check(t, func(testing.TB) arena.FrameAllocator { return refusing{} })
	require.Equal(t, WrongRefusal, f.violation.invariant)
	f = newConfig(Sizes(4096)).check(t, func(testing.TB) arena.FrameAllocator { return new(steady) })
	require.Equal(t, HandedOutTwice, f.violation.invariant)
	require.Len(t, f.program, 2)
}

// A failure that does not repeat is reported as such.
func TestUnsteadyFailureIsReported(t *testing.T) {
	runs := 0
	f := newConfig[Option]().check(t, func(testing.TB) arena.FrameAllocator {
		if runs++; runs == 5 {
			return refusing{}
		}
		return new(arena.Heap)
	})
	require.Equal(t, WrongRefusal, f.violation.invariant)
	require.False(t, f.steady)
	require.Contains(t, f.text(), "did not break it again")
}
