package coro_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// everything is a world in which random tasks use all that this package has, at the same
// time. What is checked is that nothing hangs, that locks are held by one task at a time,
// and that no frame is live in the end.
type everything struct {
	mutex   coro.Mutex
	cond    *coro.Cond
	sem     *coro.Semaphore
	event   coro.Event
	chans   [3]*coro.Chan[int]
	goChan  chan int
	other   *executor.Pool
	mine    *arena.Arena
	inside  int // of mutex
	faults  sync.Map
	kind    *coro.Kind[anything, int]
	held    *coro.HeldKind[anything, anythingHeld, int]
	failure error
}

type anything struct {
	children coro.Group
	rng      uint64
	depth    int
	steps    int
	locked   bool
	permit   bool
	got      int
	chosen   int
	results  [3]int
}

type anythingHeld struct{ text string }

func (a *anything) random(n int) int {
	a.rng ^= a.rng << 13
	a.rng ^= a.rng >> 7
	a.rng ^= a.rng << 17
	return int(a.rng>>33) % n
}

func (a *anything) child() anything {
	return anything{rng: a.rng*6364136223846793005 + 1442695040888963407, depth: a.depth - 1, steps: 1 + a.random(6)}
}

func newEverything(other *executor.Pool, mine *arena.Arena) *everything {
	e := &everything{sem: coro.NewSemaphore(2), goChan: make(chan int, 4), other: other, mine: mine, failure: errors.New("meant to fail")}
	e.cond = coro.NewCond(&e.mutex)
	for i := range e.chans {
		e.chans[i] = coro.NewChan[int](i)
	}
	e.kind = coro.Define("anything", func(f *coro.Frame[anything, int]) coro.Step { return e.step(f) }, coro.HasCleanup())
	e.held = coro.DefineHeld("anything held", func(f *coro.Frame[anything, int], h *anythingHeld) coro.Step {
		if h.text != "held" {
			e.faults.Store("the held part is lost", true)
		}
		return e.step(f)
	}, coro.HasCleanup())
	return e
}

// unlock gives back what the task has.
func (e *everything) unlock(s *anything) {
	if s.locked {
		if e.inside--; e.inside != 0 {
			e.faults.Store("two in the mutex", true)
		}
		s.locked = false
		e.mutex.Unlock()
	}
	if s.permit {
		s.permit = false
		e.sem.Release(1)
	}
}

func (e *everything) step(f *coro.Frame[anything, int]) coro.Step {
	s := &f.State
	switch f.At() {
	case coro.Cleanup:
		e.unlock(s)
		return f.Fail(f.Err())
	case 2: // after Lock
		if f.Err() == nil {
			s.locked = true
			if e.inside++; e.inside != 1 {
				e.faults.Store("two in the mutex", true)
			}
		}
	case 3: // after Cond.Wait
		if f.Err() == nil {
			s.locked = true
			if e.inside++; e.inside != 1 {
				e.faults.Store("two in the mutex", true)
			}
		}
	case 4: // after Acquire
		s.permit = f.Err() == nil
	}
	if f.At() != 0 && f.Err() != nil && s.random(2) == 0 {
		err := f.Err()
		e.unlock(s)
		return f.Fail(err)
	}
	if s.steps--; s.steps < 0 {
		e.unlock(s)
		return f.Return(1)
	}
	held := s.locked || s.permit
	e.unlockSometimes(s)
	ms := time.Duration(s.random(3)) * 300 * time.Microsecond
	short := coro.Timeout(ms)
	switch n := s.random(28); {
	case n == 0 && !held:
		return e.mutex.Lock(f, 2)
	case n == 1 && s.locked:
		if e.inside--; e.inside != 0 {
			e.faults.Store("two in the mutex", true)
		}
		s.locked = false
		return e.cond.Wait(f, 3)
	case n == 2 && !held:
		return e.sem.Acquire(f, 4, 1)
	case n == 3:
		e.cond.Broadcast()
		e.event.Set()
		e.event.Reset()
		return coro.Yield(f, 1)
	case n == 4:
		return coro.Sleep(f, 1, ms)
	case n == 5:
		return e.chans[s.random(3)].Send(f, 1, 1)
	case n == 6:
		return e.chans[s.random(3)].Recv(f, 1, &s.got)
	case n == 7:
		return coro.Select(f, 1, &s.chosen, e.chans[0].RecvCase(&s.got), e.chans[1].SendCase(2), coro.After(ms), e.event.WaitCase())
	case n == 8:
		return coro.Blocking(f, 1, func() (int, error) { time.Sleep(ms); return 1, nil }, &s.got)
	case n == 9:
		return coro.RecvFrom(f, 1, e.goChan, &s.got)
	case n == 10:
		return coro.SendTo(f, 1, e.goChan, 1)
	case n == 11:
		panic("meant to panic")
	case n == 12:
		e.unlock(s)
		return f.Fail(e.failure)
	case n == 13:
		return coro.Yield(f, 1)
	case n == 14:
		return e.event.Wait(f, 1)
	case s.depth == 0:
		return coro.Yield(f, 1)
	case n < 18:
		return coro.Await(f, 1, e.kind, s.child(), &s.got)
	case n == 18:
		return coro.AwaitHeld(f, 1, e.held, s.child(), anythingHeld{"held"}, &s.got)
	case n == 19:
		return coro.AwaitCall(f, 1, e.held.With(s.child(), anythingHeld{"held"}), &s.got, short)
	case n == 20:
		return coro.AwaitCall(f, 1, e.kind.With(s.child()), &s.got, short, coro.Shield())
	case n == 21:
		return coro.AwaitCall(f, 1, e.kind.With(s.child()), &s.got, coro.Allocator(e.mine))
	case n == 22 && !held:
		child := s.child()
		child.depth = 0
		return coro.AwaitOn(f, 1, e.other, e.kind.With(child), &s.got)
	default:
		if n >= 25 {
			s.children.SetPolicy(f, coro.GroupPolicy(n-24))
		}
		if s.random(3) == 0 {
			s.children.SetLimit(f, 1+s.random(2))
		}
		for i := range s.results {
			if s.random(2) == 0 {
				coro.Spawn(f, &s.children, e.kind, s.child(), &s.results[i])
			} else {
				coro.SpawnCall(f, &s.children, e.held.With(s.child(), anythingHeld{"held"}), &s.results[i], short)
			}
		}
		if s.random(4) == 0 {
			e.unlock(s)
			return f.Return(2) // the children end by themselves
		}
		return s.children.Wait(f, 1)
	}
}

func (e *everything) unlockSometimes(s *anything) {
	if s.random(2) == 0 {
		e.unlock(s)
	}
}

func TestAllOperationsAtOnce(t *testing.T) {
	rounds := 30
	if testing.Short() || race.Enabled {
		rounds = 6
	}
	if n, err := strconv.Atoi(os.Getenv("FRAMEARENA_STRESS_ROUNDS")); err == nil {
		rounds = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		mine := newArena(t)
		other := executor.NewPool(executor.WithWorkers(2), executor.WithErrorHandler(func(error) {}))
		ex := executor.NewPool(executor.WithWorkers(1+round%4), executor.WithErrorHandler(func(error) {}))
		e := newEverything(other, mine)
		var runners sync.WaitGroup
		for range 8 {
			seed := rng.Uint64() | 1
			runners.Add(1)
			go func() {
				defer runners.Done()
				a := anything{rng: seed, depth: 3}
				for range 40 {
					a.rng = a.rng*6364136223846793005 + 1442695040888963407
					call := a
					call.depth, call.steps = 3, 8
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(a.random(20))*time.Millisecond)
					_, _ = coro.Run(ctx, ex, e.kind.With(call))
					cancel()
				}
			}()
		}
		if round%2 == 0 {
			runners.Wait()
		} else {
			time.Sleep(time.Duration(rng.IntN(30)) * time.Millisecond)
		}
		require.NoError(t, ex.Close(), "no frame is live")
		runners.Wait()
		require.NoError(t, other.Close(), "no frame is live")
		require.Zero(t, liveIn(mine))
		e.faults.Range(func(fault, _ any) bool { t.Error(fault); return true })
	}
}
