package fuzz

import (
	"runtime"
	"slices"
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

func TestStressWantsConcurrent(t *testing.T) {
	s := &fakeTB{TB: t}
	isolate(func() { Stress(s, newFaultless) })
	require.True(t, s.failed)
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

func TestOptionForAnotherType(t *testing.T) {
	o := newConfig(LiveFrames((*arena.Monotonic).Live)).execute(t, newFaultless, Program{{Do: Verify}})
	require.Equal(t, Panicked, o.violation.invariant)
	require.Contains(t, o.violation.text, "fuzz: an option is for an allocator of type *arena.Monotonic, and the constructor returned a *fuzz.binned")
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

func TestMemoryReportsToAnyTest(t *testing.T) {
	for name, misuse := range map[string]func(*Memory){
		"leak": func(m *Memory) { m.Allocate(10) },
		"guard": func(m *Memory) {
			p := m.Allocate(10)
			*(*byte)(unsafe.Add(p, 10)) = 1
			m.Deallocate(p, 10)
		},
		"size": func(m *Memory) { m.Deallocate(m.Allocate(10), 11) },
	} {
		s := &fakeTBWithCleanups{fakeTB: fakeTB{TB: t}}
		m := NewMemory(s)
		misuse(m)
		for _, f := range slices.Backward(s.cleanups) {
			f()
		}
		require.True(t, s.failed, name)
	}
	s := &fakeTBWithCleanups{fakeTB: fakeTB{TB: t}}
	m := NewMemory(s)
	p := m.Allocate(10)
	require.Zero(t, uintptr(p)%16)
	require.Equal(t, 1, m.Live())
	require.EqualValues(t, 10, m.Bytes())
	m.Deallocate(p, 10)
	require.Zero(t, m.Live())
	require.Zero(t, m.Bytes())
	require.Nil(t, m.Allocate(^uintptr(0)))
	s.cleanups[0]()
	require.False(t, s.failed)
}

type fakeTBWithCleanups struct {
	fakeTB
	cleanups []func()
}

func (m *fakeTBWithCleanups) Cleanup(f func()) { m.cleanups = append(m.cleanups, f) }

// A write reaches each byte of a frame, and damage finds a change of any byte.
func TestContents(t *testing.T) {
	for _, size := range []uintptr{0, 1, 7, 8, 9, 100, chunk - 1, chunk, chunk + 1, 3*chunk + 5} {
		memory := make([]byte, size+16)
		f := &frame{p: unsafe.Pointer(&memory[0]), size: size}
		f.write(1)
		require.Equal(t, -1, f.damage())
		require.Equal(t, make([]byte, 16), memory[size:], "behind the frame")
		before := slices.Clone(memory)
		f.write(2)
		require.Equal(t, -1, f.damage())
		if size >= 8 {
			require.NotEqual(t, before, memory)
		}
		for i := range size {
			memory[i] ^= 0x10
			require.EqualValues(t, i, f.damage())
			memory[i] ^= 0x10
		}
		clear(memory)
		require.Equal(t, -1, f.firstNonZero())
		if size > 0 {
			memory[size-1] = 1
			require.EqualValues(t, size-1, f.firstNonZero())
		}
	}
}
