package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/refusal"
	"github.com/framearena/framearena/internal/testkit/tasktree"
	"github.com/framearena/framearena/internal/testkit/testclock"
	"github.com/framearena/framearena/slab"
)

var errExhausted = arena.ErrExhausted

// runFaults is the faults' load. It refuses memory to the whole process, so it runs alone.
func (s *soaker) runFaults(r *rand.Rand, round int) error {
	switch {
	case plantedIn(Stall, round):
		select {}
	case plantedIn(Crash, round):
		crash()
	}
	for range s.share(10) {
		how, random := r.IntN(3), rand.New(rand.NewPCG(r.Uint64(), 0))
		if s.stopped.Load() {
			return nil
		}
		var err error
		switch how {
		case 0:
			err = s.refusedTree(random)
		case 1:
			err = s.refusedWaits(random)
		default:
			err = s.jumpingClock(random)
		}
		if err != nil {
			return err
		}
		s.tallies[loadFaults].add(1, 0, 0)
	}
	return nil
}

// refusing refuses one of oneIn requests, at random. One goroutine at a time may use it, as is
// the case for the allocator of a tree.
type refusing struct {
	arena.FrameAllocator
	random  *rand.Rand
	oneIn   int
	refused int
}

func (m *refusing) Allocate(size uintptr) unsafe.Pointer {
	if m.random.IntN(m.oneIn) == 0 {
		m.refused++
		return nil
	}
	return m.FrameAllocator.Allocate(size)
}

// refusedTree runs a tree and refuses some of its frames.
func (s *soaker) refusedTree(r *rand.Rand) error {
	worlds := tasktree.Worlds()
	here := worlds[r.IntN(len(worlds))].New()
	a, err := arena.New()
	if err != nil {
		return err
	}
	m := &refusing{FrameAllocator: a, random: r, oneIn: 2 + r.IntN(30)}
	opts := here.Options
	opts.Allocator, opts.MayRefuse, opts.Patience = m, true, s.patience
	tree := tasktree.Generate(r.Uint64(), 8+r.IntN(60))
	if err := tasktree.Run(context.Background(), tree, here.Executor, opts); err != nil {
		return err
	}
	s.tallies[loadFaults].add(0, tree.Len(), m.refused)
	return errors.Join(a.Validate(), here.Close(), a.Close())
}

// refusedWaits runs tasks that wait, some of which panic or exit, and refuses some of the
// requests to the executor's arena.
func (s *soaker) refusedWaits(r *rand.Rand) error {
	a, err := arena.New(arena.WithChecks(16 << 10)) // only a checked arena asks whether to refuse
	if err != nil {
		return err
	}
	oneIn := uint64(2 + r.IntN(60))
	var asked, refused atomic.Uint64
	undo := refusal.Set(func(uintptr) bool {
		if asked.Add(1)%oneIn != 0 {
			return false
		}
		refused.Add(1)
		return true
	})
	defer undo()
	t := &s.tallies[loadFaults]
	pool := executor.NewPool(executor.WithWorkers(1+r.IntN(4)), executor.WithArena(a), quiet)
	w := newWaits(s, r, t, waitsHow(r.IntN(int(waitsHows))), pool)
	w.faulty = true
	if err := w.run(r); err != nil {
		return err
	}
	t.operations.Add(refused.Load())
	return errors.Join(a.Validate(), a.Close())
}

// dies ends the step by a panic or by Goexit.
func (s *waiting) dies() coro.Step {
	if s.one(2) {
		runtime.Goexit()
	}
	panic(errStopped)
}

// leap advances the clock by d. The alarms that are due go off; if falsely is set, so do all
// others that are set.
func leap(c *testclock.Clock, d time.Duration, falsely bool) {
	c.Advance(d)
	if falsely {
		c.RingEarly()
	}
}

// sleeping is the state of a task that sleeps several times.
type sleeping struct {
	began, d time.Duration
	left     int32
	random   uint64
}

type withClock struct {
	clock *testclock.Clock
	early *atomic.Int64
	slept *atomic.Int64
}

var kindSleeping = coro.DefineHeld("soak: sleeping", func(f *coro.Frame[sleeping, int64], h *withClock) coro.Step {
	s := &f.State
	if f.At() == 1 {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		h.slept.Add(1)
		if h.clock.Now()-s.began < s.d {
			h.early.Add(1)
		}
	}
	if s.left--; s.left < 0 {
		return f.Return(1)
	}
	s.random = s.random*6364136223846793005 + 1442695040888963407
	s.d = time.Duration(s.random>>33) % (time.Hour >> (s.random >> 60))
	s.began = h.clock.Now()
	return coro.Sleep(f, 1, s.d)
})

// jumpingClock runs tasks that sleep by a clock that leaps: no sleep ends early, and no task
// is lost.
func (s *soaker) jumpingClock(r *rand.Rand) error {
	clock := new(testclock.Clock)
	pool := executor.NewPool(executor.WithWorkers(1+r.IntN(3)), executor.WithClock(clock), quiet)
	var early, slept atomic.Int64
	tasks := 50 + r.IntN(500)
	for range tasks {
		state := sleeping{left: int32(1 + r.IntN(4)), random: r.Uint64()}
		if err := coro.GoHeld(pool, kindSleeping, state, withClock{clock, &early, &slept}); err != nil {
			return err
		}
		if r.IntN(8) == 0 {
			leap(clock, time.Duration(r.Int64N(int64(time.Minute))), r.IntN(4) == 0)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- pool.Drain(ctx) }()
	for {
		select {
		case err := <-drained:
			if err != nil {
				return fmt.Errorf("%d of %d tasks that sleep by a clock that leaps are still there: %w%s", pool.Environment().Live(), tasks, err, waitingByKind(pool))
			}
			if n := early.Load(); n > 0 {
				return fmt.Errorf("%d of %d sleeps were too short", n, slept.Load())
			}
			s.tallies[loadFaults].add(0, tasks, int(slept.Load()))
			return pool.Close()
		default:
			leap(clock, time.Duration(r.Int64N(int64(time.Hour))), r.IntN(4) == 0)
			runtime.Gosched()
		}
	}
}

// crash ends the process with a write to memory that was given back to the system.
func crash() {
	if slab.FromHeap { // such a write would go unnoticed
		go panic("planted")
		select {}
	}
	a, err := arena.New()
	if err != nil {
		panic(err)
	}
	p := a.Allocate(128)
	a.Deallocate(p, 128)
	if err := a.Close(); err != nil {
		panic(err)
	}
	*(*byte)(p) = 1
}
