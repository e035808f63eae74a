package executor_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// load is tasks of all sorts on two pools, which await each other's tasks.
type load struct {
	t        *testing.T
	pools    [2]*executor.Pool
	on       [2][]coro.Executor // the ways into each pool
	door     coro.Event         // never opens
	work     *coro.Chan[int]    // never closed
	progress atomic.Int64
	rounds   int // that a root makes; negative: without end

	taken, over atomic.Int64
	client      *coro.HeldKind[clientState, clientHeld, int]
	child       *coro.Kind[int, int]
}

type clientState struct {
	children coro.Group
	round    int
	chosen   int
	got      int
	results  [2]int
}

type clientHeld struct {
	pool int
	seed int
}

func newLoad(t *testing.T, rounds int, opts ...executor.PoolOption) *load {
	l := &load{t: t, work: coro.NewChan[int](2), rounds: rounds}
	opts = append(opts, executor.WithErrorHandler(l.ended))
	for i := range l.pools {
		p := executor.NewPool(append(opts, executor.WithWorkers(3), executor.WithBlockedLimit(time.Millisecond))...)
		l.pools[i] = p
		l.on[i] = []coro.Executor{p, p.High(), executor.NewStrand(p)}
	}
	l.child = coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			return coro.Yield(f, 1)
		case 1:
			return coro.Sleep(f, 2, time.Duration(f.State%4)*100*time.Microsecond)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
	l.client = coro.DefineHeld("client", l.step)
	return l
}

func (l *load) step(f *coro.Frame[clientState, int], h *clientHeld) coro.Step {
	s := &f.State
	l.progress.Add(1)
	if err := f.Err(); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, executor.ErrClosed) {
		l.t.Error(err)
	}
	if s.round == l.rounds {
		return f.Fail(errTask) // for the handler to see it
	}
	s.round++
	mine, other := l.on[h.pool], l.on[1-h.pool]
	switch n := s.round + h.seed; n % 8 {
	case 0:
		return coro.Sleep(f, 1, time.Duration(n%3)*100*time.Microsecond)
	case 1:
		coro.Spawn(f, &s.children, l.child, n, &s.results[0])
		coro.Spawn(f, &s.children, l.child, n+1, &s.results[1])
		return s.children.Wait(f, 1)
	case 2:
		return coro.Select(f, 1, &s.chosen, l.work.RecvCase(&s.got), l.work.SendCase(n), l.door.WaitCase(), coro.After(time.Duration(n%2)*100*time.Microsecond))
	case 3:
		return coro.Blocking(f, 1, func() (int, error) { runtime.Gosched(); return n, nil }, &s.got)
	case 4:
		return coro.AwaitOn(f, 1, other[n%len(other)], l.child.With(n), &s.got)
	case 5:
		return coro.AwaitOn(f, 1, mine[n%len(mine)], l.child.With(n), &s.got)
	case 6:
		return coro.AwaitCall(f, 1, l.child.With(n), &s.got, coro.Timeout(100*time.Microsecond))
	}
	return coro.Yield(f, 1)
}

func (l *load) ended(err error) {
	if err != errTask && err != executor.ErrClosed {
		l.t.Error(err)
	}
	l.over.Add(1)
}

// launch launches at most so many roots, and stops when both pools refuse them.
func (l *load) launch(id int, most int) {
	for i := range most {
		pool := (id + i) % 2
		ex := l.on[pool][i%3]
		var err error
		call := l.client.With(clientState{}, clientHeld{pool, id + i})
		switch i % 4 {
		case 0:
			err = coro.GoHeld(ex, l.client, clientState{}, clientHeld{pool, id + i})
		case 1:
			err = coro.RunAsync(ex, coro.Context(context.Background()))(call)
		case 2:
			err = coro.RunAsync(ex, coro.OnError(l.ended))(call)
		case 3:
			if _, err := coro.Start(ex, call); err != nil && err != executor.ErrClosed {
				l.t.Error(err)
			}
			continue
		}
		if err == nil {
			l.taken.Add(1)
		} else if err != executor.ErrClosed {
			l.t.Error(err)
		}
	}
}

func (l *load) close(t *testing.T, how int) {
	var wg sync.WaitGroup
	for i, p := range l.pools {
		wg.Go(func() {
			switch (how + i) % 4 {
			case 1: // a while for what is there, then an end
				ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
				defer cancel()
				if err := p.Drain(ctx); err != nil && err != context.DeadlineExceeded {
					t.Error(err)
				}
			case 2:
				wg.Go(func() {
					if err := p.Drain(context.Background()); err != nil && err != executor.ErrClosed {
						t.Error(err)
					}
				})
			case 3:
				wg.Go(func() { _ = p.Close() })
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Pools are closed at each phase of a load, after any number of steps of it.
func TestCloseAtEachPhase(t *testing.T) {
	withDelays(t)
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for round := range scaled(100) {
				a := newArena(t)
				l := newLoad(t, -1, executor.WithArena(a))
				var wg sync.WaitGroup
				for id := range 3 {
					wg.Go(func() { l.launch(id, 40) })
				}
				steps := rand.Int64N(1 + 40*int64(round%20))
				for l.progress.Load() < steps {
					runtime.Gosched()
				}
				l.close(t, round)
				wg.Wait()
				require.Equal(t, l.taken.Load(), l.over.Load())
				for _, p := range l.pools {
					require.Zero(t, p.Environment().Live())
				}
				require.Zero(t, a.Stats().Total.Live, fmt.Sprint(procs, " ", round))
			}
		}()
	}
}

// A load that comes to an end does so while both pools drain, one after the other or at the
// same time.
func TestDrainAtEachPhase(t *testing.T) {
	withDelays(t)
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for round := range scaled(60) {
				a := newArena(t)
				l := newLoad(t, 12, executor.WithArena(a))
				var wg sync.WaitGroup
				for id := range 3 {
					wg.Go(func() { l.launch(id, 20) })
				}
				steps := rand.Int64N(1 + 20*int64(round%20))
				for l.progress.Load() < steps {
					runtime.Gosched()
				}
				for i := range l.pools {
					drain := func() {
						if err := l.pools[i].Drain(context.Background()); err != nil {
							t.Error(err)
						}
					}
					if round%2 == 0 {
						drain()
					} else {
						wg.Go(drain)
					}
				}
				wg.Wait()
				require.Equal(t, l.taken.Load(), l.over.Load())
				for _, p := range l.pools {
					require.Zero(t, p.Environment().Live())
					require.NoError(t, p.Close())
				}
				require.Zero(t, a.Stats().Total.Live)
			}
		}()
	}
}
