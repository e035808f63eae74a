package executor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The faults_*_test.go files break something at each place in turn while the load of this file
// runs. They check that the error gets where it belongs, that the rest of the load runs on, and
// that nothing is left.

// mixed is a load of tasks of all sorts. Its root awaits one offload after the other, handles
// the error of each, and runs on. What an offload returns does not depend on the executor.
type mixed struct {
	t  *testing.T
	ex drainer

	// strand is where the tasks of AwaitOn run. It is on ex.
	strand *executor.Strand

	// mine is the allocator of what has one of its own.
	mine *arena.Counting

	// atStep is called as each step begins, with how many have begun.
	atStep func(step int64)
	steps  atomic.Int64

	// allowed says whether an offload may end with this error.
	allowed func(error) bool

	mutex  *coro.Mutex
	inside atomic.Int64 // tasks that have mutex
	sem    *coro.Semaphore

	// launched counts the roots that offloads have launched without waiting for them, and over
	// those of them whose end was reported.
	launched, over atomic.Int64

	leaf, big *coro.Kind[int, int]
	held      *coro.HeldKind[int, withMixed, int]
	locks     *coro.HeldKind[taking, withMixed, int]
	numbers   *coro.SeqKind[int, int]
	errands   []errand
	root      *coro.HeldKind[rooting, withMixed, outcome]
}

type withMixed struct{ m *mixed }

// outcome is how many offloads have ended with the result that they should have, and how many
// with an error.
type outcome struct{ succeeded, failed int }

type rooting struct {
	next int
	got  int
	outcome
}

// taking is the state of a task that takes something that it must give back.
type taking struct {
	locked, permit bool
	yields         int
}

// offload is a kind of tasks, and what they return.
type errand struct {
	kind *coro.HeldKind[errandState, errandHeld, int]
	want int
}

type errandState struct {
	children coro.Group
	got      [4]int
}

type errandHeld struct {
	m       *mixed
	results []int
	text    string
	handle  *coro.Handle[int]
	ints    *coro.Chan[int]
	event   *coro.Event
	cond    *coro.Cond
	waker   coro.Waker
}

// pipe is the held part of tasks that send or receive.
type pipe struct {
	m    *mixed
	ints *coro.Chan[int]
}

const (
	wordSize   = unsafe.Sizeof(uintptr(0))
	headerSize = 16 + 4*wordSize
)

// crowded leaves no room for a timer in a frame of 128 bytes.
type crowded [128 - headerSize]byte

func newMixed(t *testing.T, ex drainer) *mixed {
	m := &mixed{t: t}
	m.use(ex)
	m.atStep = func(int64) {}
	m.allowed = func(error) bool { return false }
	m.leaf = coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		m.step()
		if f.Err() != nil { // cancelled before it began
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	m.big = coro.Define("big", func(f *coro.Frame[int, int]) coro.Step {
		m.step()
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return coro.Yield(f, 1)
		}
		return f.Return(f.State)
	}, coro.NeverElided())
	m.held = coro.DefineHeld("held", func(f *coro.Frame[int, int], held *withMixed) coro.Step {
		held.m.step()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	m.locks = coro.DefineHeld("locks", lockStep, coro.HasCleanup())
	m.numbers = coro.DefineSeq("numbers", func(f *coro.SeqFrame[int, int]) coro.Step {
		m.step()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		switch f.At() {
		case 0:
			return coro.YieldValue(f, 1, 1)
		case 1:
			return coro.Await(&f.Frame, 2, m.big, 2, nil)
		case 2:
			if f.State == 0 {
				return f.Return()
			}
			return coro.YieldFrom(f, 3, f.Kind(), f.State-1)
		}
		return f.Return()
	})
	m.defineErrands()
	m.root = coro.DefineHeld("root", func(f *coro.Frame[rooting, outcome], held *withMixed) coro.Step {
		m := held.m
		m.step()
		s := &f.State
		if f.At() == 1 {
			switch err, want := f.Err(), m.errands[s.next].want; {
			case err == nil && s.got != want:
				m.t.Errorf("errand %s returned %d, want %d", m.errands[s.next].kind.Name(), s.got, want)
			case err == nil:
				s.succeeded++
			case !m.allowed(err):
				m.t.Errorf("errand %s: %v", m.errands[s.next].kind.Name(), err)
			default:
				s.failed++
			}
			s.next++
		}
		if s.next == len(m.errands) {
			return f.Return(s.outcome)
		}
		s.got = 0
		return coro.AwaitHeld(f, 1, m.errands[s.next].kind, errandState{}, errandHeld{m: m}, &s.got)
	})
	return m
}

// use makes the load run on ex from now on. The executor before is closed.
func (m *mixed) use(ex drainer) {
	m.ex, m.strand, m.mine = ex, executor.NewStrand(ex), arena.NewCounting(ex.Arena())
	m.mutex, m.sem = new(coro.Mutex), coro.NewSemaphore(2)
	m.steps.Store(0)
}

func (m *mixed) step() { m.atStep(m.steps.Add(1)) }

// lockStep has the mutex and a permit while it yields, and gives both back whatever happens.
func lockStep(f *coro.Frame[taking, int], held *withMixed) coro.Step {
	m, s := held.m, &f.State
	at := f.At()
	if at == 1 && f.Err() == nil {
		s.locked = true
		if m.inside.Add(1) != 1 {
			m.t.Error("two tasks have the mutex")
		}
	}
	if at == 2 && f.Err() == nil {
		s.permit = true
	}
	if at == coro.Cleanup || f.Err() != nil {
		err := f.Err()
		s.giveBack(m)
		return f.Fail(err)
	}
	m.step()
	switch {
	case !s.locked:
		return m.mutex.Lock(f, 1)
	case !s.permit:
		return m.sem.Acquire(f, 2, 1)
	case s.yields > 0:
		s.yields--
		return coro.Yield(f, 3)
	}
	s.giveBack(m)
	return f.Return(1)
}

func (s *taking) giveBack(m *mixed) {
	if s.permit {
		s.permit = false
		m.sem.Release(1)
	}
	if s.locked {
		s.locked = false
		m.inside.Add(-1)
		m.mutex.Unlock()
	}
}

// add defines an offload that fails with the error that any of its steps gets.
func (m *mixed) add(name string, want int, step func(f *coro.Frame[errandState, int], h *errandHeld, m *mixed) coro.Step) {
	k := coro.DefineHeld(name, func(f *coro.Frame[errandState, int], h *errandHeld) coro.Step {
		h.m.step()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return step(f, h, h.m)
	})
	m.errands = append(m.errands, errand{k, want})
}

func (s *errandState) sum() int { return s.got[0] + s.got[1] + s.got[2] + s.got[3] }

func (m *mixed) defineErrands() {
	type frame = *coro.Frame[errandState, int]
	m.add("awaits", 10, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return coro.Await(f, 1, m.leaf, 1, &s.got[0])
		case 1:
			return coro.Await(f, 2, m.big, 2, &s.got[1])
		case 2:
			return coro.AwaitHeld(f, 3, m.held, 3, withMixed{m}, &s.got[2])
		case 3:
			return coro.AwaitCall(f, 4, m.big.With(4), &s.got[3], coro.Allocator(m.mine))
		}
		return f.Return(s.sum())
	})
	m.add("parts", 6, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return coro.AwaitCall(f, 1, m.held.With(1, withMixed{m}), &s.got[0], coro.Timeout(time.Hour))
		case 1:
			return coro.AwaitCall(f, 2, m.big.With(2), &s.got[1], coro.Shield(), coro.Allocator(m.mine))
		case 2:
			return coro.AwaitCall(f, 3, m.big.With(3), &s.got[2])
		}
		return f.Return(s.sum())
	})
	m.add("group", 10, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.children.SetPolicy(f, coro.FirstError)
			s.children.SetLimit(f, 2)
			coro.Spawn(f, &s.children, m.leaf, 1, &s.got[0])
			coro.SpawnCall(f, &s.children, m.held.With(2, withMixed{m}), &s.got[1])
			coro.SpawnCall(f, &s.children, m.big.With(3), &s.got[2], coro.Allocator(m.mine))
			coro.SpawnCall(f, &s.children, m.big.With(4), &s.got[3], coro.Timeout(time.Hour))
			return s.children.Wait(f, 1)
		}
		return f.Return(s.sum())
	})
	m.add("plain group", 7, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			coro.Spawn(f, &s.children, m.big, 3, &s.got[0])
			coro.Spawn(f, &s.children, m.big, 4, &s.got[1])
			return s.children.Wait(f, 1)
		}
		return f.Return(s.sum())
	})
	m.add("all, any, race", 6+7+8, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			h.results = make([]int, 3)
			return coro.All(f, 1, m.big, []int{1, 2, 3}, h.results, coro.Limit(2))
		case 1:
			return coro.Any(f, 2, m.big, []int{7, 7}, &s.got[0])
		case 2:
			return coro.Race(f, 3, m.big, []int{8, 8}, &s.got[1], coro.Allocator(m.mine))
		}
		return f.Return(h.results[0] + h.results[1] + h.results[2] + s.sum())
	})
	m.add("handle", 5, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			var err error
			if h.handle, err = coro.Start(m.ex, m.big.With(5), coro.Allocator(m.mine)); err != nil {
				return f.Fail(err)
			}
			return h.handle.Await(f, 1, &s.got[0])
		}
		return f.Return(s.sum())
	})
	m.add("elsewhere", 11, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return coro.AwaitOn(f, 1, m.strand, m.big.With(5), &s.got[0])
		case 1:
			return coro.AwaitOn(f, 2, m.strand, m.held.With(6, withMixed{m}), &s.got[1])
		}
		return f.Return(s.sum())
	})
	m.add("generator", 3, func(f frame, h *errandHeld, m *mixed) coro.Step {
		n := 0
		opts := []coro.SeqOption{coro.Allocator(m.mine), coro.Context(f.Context())}
		for v, err := range m.numbers.Seq2(2, opts...) {
			if err != nil {
				return f.Fail(err)
			}
			n += v
		}
		for range m.numbers.Seq2(1) {
			break // an end in the middle
		}
		return f.Return(n)
	})
	naps := coro.Define("naps", func(f *coro.Frame[crowded, int]) coro.Step {
		m.step()
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return coro.Sleep(f, 1, time.Nanosecond)
		}
		return f.Return(1)
	}, coro.NeverElided())
	forever := coro.Define("forever", func(f *coro.Frame[crowded, int]) coro.Step {
		m.step()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return coro.Sleep(f, 0, time.Hour)
	})
	m.add("sleeps", 1, func(f frame, h *errandHeld, m *mixed) coro.Step {
		switch f.At() {
		case 0:
			return coro.Sleep(f, 1, time.Nanosecond)
		case 1:
			return coro.Await(f, 2, naps, crowded{}, &f.State.got[0])
		}
		return f.Return(f.State.sum())
	})
	late := coro.Define("late", func(f *coro.Frame[int, int]) coro.Step {
		m.step()
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, forever.With(crowded{}), &f.State, coro.Timeout(time.Nanosecond))
		}
		if errors.Is(f.Err(), context.DeadlineExceeded) {
			return f.Return(1)
		}
		return f.Fail(f.Err())
	})
	m.add("timeout", 1, func(f frame, h *errandHeld, m *mixed) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, late, 0, &f.State.got[0])
		}
		return f.Return(f.State.sum())
	})
	sends := coro.DefineHeld("sends", func(f *coro.Frame[int, int], h *pipe) coro.Step {
		m.step()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if f.State++; f.State > 3 {
			h.ints.Close()
			return f.Return(0)
		}
		return h.ints.Send(f, 1, f.State)
	})
	receives := coro.DefineHeld("receives", func(f *coro.Frame[[2]int, int], h *pipe) coro.Step {
		m.step()
		if f.At() == 1 {
			if errors.Is(f.Err(), coro.ErrChanClosed) {
				return f.Return(f.State[1])
			}
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			f.State[1] += f.State[0]
		}
		return h.ints.Recv(f, 1, &f.State[0])
	})
	m.add("chan", 6, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			p := pipe{m, coro.NewChan[int](1)}
			s.children.SetPolicy(f, coro.FirstError)
			coro.SpawnCall(f, &s.children, sends.With(0, p), nil)
			coro.SpawnCall(f, &s.children, receives.With([2]int{}, p), &s.got[0])
			return s.children.Wait(f, 1)
		}
		return f.Return(s.sum())
	})
	sets := coro.DefineHeld("sets", func(f *coro.Frame[none, int], h *errandHeld) coro.Step {
		m.step()
		if f.At() == 0 && f.Err() == nil {
			return coro.Yield(f, 1)
		}
		h.event.Set()
		h.waker.Wake()
		h.ints.TrySend(2)
		return f.Return(1)
	})
	selects := coro.DefineHeld("selects", func(f *coro.Frame[[2]int, int], h *errandHeld) coro.Step {
		m.step()
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		chosen, got := &f.State[0], &f.State[1]
		switch f.At() {
		case 0:
			return coro.Select(f, 1, chosen, coro.NewChan[int](0).RecvCase(nil), coro.After(time.Nanosecond))
		case 1:
			if *chosen != 1 {
				m.t.Errorf("case %d", *chosen)
			}
			return coro.Select(f, 2, chosen, h.event.WaitCase(), h.waker.WaitCase(), coro.After(time.Hour))
		case 2:
			return h.event.Wait(f, 3)
		case 3:
			return h.ints.Recv(f, 4, got)
		}
		return f.Return(*got)
	})
	m.add("select", 3, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			h.ints, h.event, h.waker = coro.NewChan[int](1), new(coro.Event), coro.NewWaker()
			s.children.SetPolicy(f, coro.FirstError)
			coro.SpawnCall(f, &s.children, selects.With([2]int{}, *h), &s.got[0])
			coro.SpawnCall(f, &s.children, sets.With(none{}, *h), &s.got[1])
			return s.children.Wait(f, 1)
		}
		return f.Return(s.sum())
	})
	m.add("locks", 3, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.children.SetPolicy(f, coro.FirstError)
			for i := range 3 {
				coro.SpawnCall(f, &s.children, m.locks.With(taking{yields: 1}, withMixed{m}), &s.got[i])
			}
			return s.children.Wait(f, 1)
		}
		return f.Return(s.sum())
	})
	signals := coro.DefineHeld("signals", func(f *coro.Frame[none, int], h *errandHeld) coro.Step {
		m.step()
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return h.cond.L.Lock(f, 1)
		}
		h.text = "ready"
		h.results[0] = 1
		h.cond.Broadcast()
		h.cond.L.Unlock()
		return f.Return(1)
	})
	waits := coro.DefineHeld("waits", func(f *coro.Frame[none, int], h *errandHeld) coro.Step {
		m.step()
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0:
			return h.cond.L.Lock(f, 1)
		case h.results[0] == 0:
			return h.cond.Wait(f, 1)
		}
		h.cond.L.Unlock()
		return f.Return(1)
	})
	m.add("cond", 3, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		if f.At() == 0 {
			h.cond, h.results = coro.NewCond(new(coro.Mutex)), make([]int, 1)
			s.children.SetPolicy(f, coro.FirstError)
			coro.SpawnCall(f, &s.children, waits.With(none{}, *h), &s.got[0])
			coro.SpawnCall(f, &s.children, waits.With(none{}, *h), &s.got[1])
			coro.SpawnCall(f, &s.children, signals.With(none{}, *h), &s.got[2])
			return s.children.Wait(f, 1)
		}
		return f.Return(s.sum())
	})
	m.add("outside", 6, func(f frame, h *errandHeld, m *mixed) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return coro.Blocking(f, 1, func() (int, error) { runtime.Gosched(); return 1, nil }, &s.got[0])
		case 1:
			c := make(chan int, 1)
			go func() { c <- 5 }()
			return coro.RecvFrom(f, 2, c, &s.got[1])
		case 2:
			return coro.SendTo(f, 3, make(chan int, 1), 1)
		}
		return f.Return(s.sum())
	})
	m.add("launches", 0, func(f frame, h *errandHeld, m *mixed) coro.Step {
		over := func(error) { m.over.Add(1) }
		for i, opts := range [][]coro.LaunchOption{nil, {coro.Allocator(m.mine)}, {coro.Context(f.Context())}} {
			opts = append(opts, coro.OnError(over), coro.OnResult(func(int) { over(nil) }))
			m.launched.Add(1)
			if err := coro.RunAsync(m.ex, opts...)(m.big.With(i)); err != nil {
				m.launched.Add(-1)
				return f.Fail(err)
			}
		}
		return f.Return(0)
	})
	panics := coro.Define("panics", func(f *coro.Frame[int, int]) coro.Step {
		m.step()
		if f.At() == coro.Cleanup {
			panic("again")
		}
		return f.Return(1 / f.State)
	}, coro.HasCleanup())
	recovers := coro.Define("recovers", func(f *coro.Frame[int, int]) coro.Step {
		m.step()
		if f.At() == 0 {
			return coro.Await(f, 1, panics, 0, nil)
		}
		var p *coro.PanicError
		if errors.As(f.Err(), &p) {
			return f.Return(1)
		}
		return f.Fail(f.Err())
	})
	m.add("panics", 1, func(f frame, h *errandHeld, m *mixed) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, recovers, 0, &f.State.got[0])
		}
		return f.Return(f.State.sum())
	})
	deep := coro.Define("deep", func(f *coro.Frame[[2]int, int]) coro.Step {
		m.step()
		s := &f.State
		switch {
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 0 && s[0] > 0:
			return coro.Await(f, 1, f.Kind(), [2]int{s[0] - 1}, &s[1])
		}
		return f.Return(s[1] + 1)
	}, coro.NeverElided())
	m.add("deep", 6, func(f frame, h *errandHeld, m *mixed) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, deep, [2]int{5}, &f.State.got[0])
		}
		return f.Return(f.State.sum())
	})
}

// run runs the load once. ctx is that of the root.
func (m *mixed) run(ctx context.Context) (outcome, error) {
	return coro.Run(ctx, m.ex, m.root.With(rooting{}, withMixed{m}))
}

// requireNothingLeft checks, after ex is closed, that everything is given back and that each end
// was reported.
func (m *mixed) requireNothingLeft() {
	t := m.t
	t.Helper()
	require.Equal(t, m.launched.Load(), m.over.Load(), "what was launched has told how it ended")
	require.Zero(t, m.inside.Load(), "nobody has the mutex")
	require.True(t, m.sem.TryAcquire(2), "the permits were given back")
	require.Zero(t, m.ex.Environment().Live())
	mine := m.mine.Stats()
	require.Equal(t, mine.Allocated, mine.Deallocated, "frames of the trees' own allocator")
	require.Zero(t, mine.Bytes)
	require.Zero(t, m.ex.Arena().Stats().Total.Live, "frames")
	require.Zero(t, m.ex.Arena().Stats().LargeBytes)
	for id := range m.ex.Environment().Waiting() {
		t.Errorf("%v waits", id)
	}
}

// faulty are the executors that the load runs on.
var faulty = []struct {
	name string
	make func(...executor.BaseOption) drainer
}{
	{"Inline", func(opts ...executor.BaseOption) drainer {
		return executor.NewInline(as[executor.InlineOption](opts)...)
	}},
	{"Loop", func(opts ...executor.BaseOption) drainer { return newDriven(as[executor.LoopOption](opts)...) }},
	{"Pool of one", func(opts ...executor.BaseOption) drainer {
		return executor.NewPool(append(as[executor.PoolOption](opts), executor.WithWorkers(1))...)
	}},
	{"Pool", func(opts ...executor.BaseOption) drainer {
		return executor.NewPool(append(as[executor.PoolOption](opts), executor.WithWorkers(3))...)
	}},
	{"Strand on Pool", func(opts ...executor.BaseOption) drainer {
		return newLayered(executor.NewPool(as[executor.PoolOption](opts)...), 1)
	}},
}

// goroutines waits until there are no more than n of them, and reports whether that was so
// before long.
func goroutinesEnd(n int) bool {
	for range 2000 {
		if runtime.NumGoroutine() <= n {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// The load comes to its end without faults.
func TestMixedLoad(t *testing.T) {
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			m := newMixed(t, kind.make(executor.WithArena(newArena(t))))
			for range 3 {
				var wg sync.WaitGroup
				for range 2 {
					wg.Go(func() {
						got, err := m.run(context.Background())
						if want := (outcome{succeeded: len(m.errands)}); err != nil || got != want {
							t.Errorf("%v, %v; want %v", got, err, want)
						}
					})
				}
				wg.Wait()
			}
			require.NoError(t, m.ex.Drain(context.Background()))
			require.NoError(t, m.ex.Close())
			m.requireNothingLeft()
		})
	}
}
