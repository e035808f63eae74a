package coro_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// A random program is a tree of tasks, and what each does follows from a number.
type program struct {
	children coro.Group
	id       uint64
	depth    int32
	next     int32
	values   [4]int
}

type act struct {
	n       int // children; 0: a leaf
	awaited int // how many of them are awaited, the others are spawned
	policy  coro.GroupPolicy
	limit   int
	early   bool // ends without waiting for those that were spawned
	leaf    uint64
}

func (p *program) act() act {
	r := rand.New(rand.NewPCG(p.id, 1))
	if p.depth == 0 || r.IntN(6) == 0 {
		return act{leaf: r.Uint64N(12)}
	}
	a := act{n: 1 + r.IntN(4), policy: coro.GroupPolicy(r.IntN(3)), early: r.IntN(4) == 0}
	a.awaited = r.IntN(2) * r.IntN(a.n+1)
	if r.IntN(3) == 0 {
		a.limit = 1 + r.IntN(2)
	}
	return a
}

func (p *program) child(i int32) program {
	return program{id: p.id*5 + uint64(i) + 1, depth: p.depth - 1}
}

// expected evaluates the program by recursion.
func (p *program) expected() (value int, fails bool) {
	a := p.act()
	if a.n == 0 {
		return 1, a.leaf < 3
	}
	failed, spawned := 0, a.n-a.awaited
	for i := range a.n {
		c := p.child(int32(i))
		v, f := c.expected()
		switch {
		case f && i < spawned:
			failed++
		case f:
			return 0, true
		}
		value += v
	}
	if a.policy == coro.FirstSuccess {
		return 1, spawned > 0 && failed == spawned
	}
	if a.early {
		value = 1
	}
	return value, failed > 0
}

var errProgram = errors.New("planned")

// newProgram returns the kind of the tasks. They share what they wait for.
func newProgram() *coro.Kind[program, int] {
	permits := coro.NewSemaphore(2)
	const (
		begins = iota
		spawning
		awaited
		waited
		yielded
		acquired
	)
	return coro.Define("program", func(f *coro.Frame[program, int]) coro.Step {
		s := &f.State
		a := s.act()
		spawned := int32(a.n - a.awaited)
		switch f.At() {
		case begins:
			if a.n == 0 {
				switch a.leaf {
				case 0:
					return f.Fail(errProgram)
				case 1:
					panic(errProgram)
				case 2:
					runtime.Goexit()
				case 3, 4:
					return coro.Yield(f, yielded)
				case 5, 6:
					return permits.Acquire(f, acquired, 1)
				}
				return f.Return(1)
			}
			if a.policy != coro.WaitForAll {
				s.children.SetPolicy(f, a.policy)
			}
			if a.limit != 0 {
				s.children.SetLimit(f, a.limit)
			}
		case spawning:
		case awaited:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
		case waited:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			value := 0
			for _, v := range s.values {
				value += v
			}
			if a.policy == coro.FirstSuccess {
				value = 1
			}
			return f.Return(value)
		case yielded:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return f.Return(1)
		case acquired:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			permits.Release(1)
			return f.Return(1)
		default:
			return f.BadResume()
		}
		for s.next < spawned {
			i := s.next
			s.next++
			if i%2 == 0 {
				coro.Spawn(f, &s.children, f.Kind(), s.child(i), &s.values[i])
			} else {
				coro.SpawnCall(f, &s.children, f.Kind().With(s.child(i)), &s.values[i])
			}
			if a.limit != 0 && s.next < spawned {
				return s.children.WaitRoom(f, spawning)
			}
		}
		if s.next < int32(a.n) {
			i := s.next
			s.next++
			return coro.Await(f, awaited, f.Kind(), s.child(i), &s.values[i])
		}
		if a.early {
			return f.Return(1)
		}
		return s.children.Wait(f, waited)
	})
}

// groupExecutors are those that groups are tested with.
func groupExecutors(t *testing.T, run func(t *testing.T, ex closer)) {
	for _, workers := range []int{0, 1, 2, 8} {
		name := "Inline"
		if workers > 0 {
			name = fmt.Sprintf("Pool of %d", workers)
		}
		t.Run(name, func(t *testing.T) {
			scopes, records, _ := coro.Parts()
			var ex closer = executor.NewInline()
			if workers > 0 {
				ex = executor.NewPool(executor.WithWorkers(workers))
			}
			run(t, ex)
			require.NoError(t, ex.Close(), "no frame is live")
			s, r, clean := coro.Parts()
			require.Equal(t, [2]int{scopes, records}, [2]int{s, r}, "scopes and records in use")
			require.True(t, clean, "a free scope or record refers to something")
		})
	}
}

func programRounds() int {
	if testing.Short() || race.Enabled {
		return 60
	}
	return 400
}

// run is Run, on a goroutine that the task may end.
func run[R any](ctx context.Context, ex coro.Executor, call coro.Call[R]) (v R, err error) {
	done := make(chan struct{})
	err = errors.New("the goroutine ended first")
	go func() {
		defer close(done)
		v, err = coro.Run(ctx, ex, call)
	}()
	<-done
	return v, err
}

func TestRandomProgramsOfGroups(t *testing.T) {
	groupExecutors(t, func(t *testing.T, ex closer) {
		kind := newProgram()
		pool, isPool := ex.(*executor.Pool)
		var launchers sync.WaitGroup
		for launcher := range 3 {
			if !isPool && launcher > 0 {
				break // a step that ends the goroutine would take another's Run with it
			}
			launchers.Go(func() {
				for i := range programRounds() {
					p := program{id: uint64(i*3 + launcher), depth: 5}
					want, fails := p.expected()
					var got int
					var err error
					if isPool {
						got, err = coro.Run(context.Background(), pool, kind.With(p))
					} else {
						got, err = runToEnd(ex, kind, p)
					}
					if fails != (err != nil) || !fails && got != want {
						t.Errorf("program %d: got %d, %v; want %d, fails: %v", p.id, got, err, want, fails)
						return
					}
				}
			})
		}
		launchers.Wait()
	})
}

// runToEnd runs a program on an executor whose Post ends the goroutine if a step does.
func runToEnd(ex coro.Executor, kind *coro.Kind[program, int], p program) (value int, err error) {
	type root struct{ value int }
	ended := false
	done := make(chan struct{})
	outer := coro.DefineHeld("root of a program", func(f *coro.Frame[root, none], held *struct{ report func(int, error) }) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, kind, p, &f.State.value)
		}
		held.report(f.State.value, f.Err())
		return f.Return(none{})
	})
	go func() {
		defer close(done)
		_ = coro.GoHeld(ex, outer, root{}, struct{ report func(int, error) }{func(v int, e error) { value, err, ended = v, e, true }})
	}()
	<-done
	if !ended {
		return 0, errors.New("the program has not ended")
	}
	return value, err
}

// Programs whose context ends meanwhile end too, and nothing is left of them.
func TestCancelRandomProgramsOfGroups(t *testing.T) {
	groupExecutors(t, func(t *testing.T, ex closer) {
		kind := newProgram()
		for i := range programRounds() {
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				for range i % 50 {
					runtime.Gosched()
				}
				cancel()
			}()
			p := program{id: uint64(i), depth: 5}
			var err error
			if pool, ok := ex.(*executor.Pool); ok {
				_, err = coro.Run(ctx, pool, kind.With(p))
			} else {
				_, err = run(ctx, ex, kind.With(p))
			}
			// The end of a context makes tasks fail, and none succeed.
			if _, fails := p.expected(); fails && err == nil {
				t.Errorf("program %d: no error", i)
			}
			cancel()
		}
	})
}

// An executor that is closed in the middle leaves nothing.
func TestCloseDuringRandomProgramsOfGroups(t *testing.T) {
	rounds := programRounds() / 10
	for _, workers := range []int{1, 2, 8} {
		scopes, records, _ := coro.Parts()
		for i := range rounds {
			kind := newProgram()
			ex := executor.NewPool(executor.WithWorkers(workers))
			var ended sync.WaitGroup
			for j := range 10 {
				ended.Go(func() {
					_, _ = coro.Run(context.Background(), ex, kind.With(program{id: uint64(i*10 + j), depth: 6}))
				})
			}
			for range i % 30 {
				runtime.Gosched()
			}
			require.NoError(t, ex.Close())
			ended.Wait()
		}
		s, r, clean := coro.Parts()
		require.Equal(t, [2]int{scopes, records}, [2]int{s, r}, "scopes and records in use")
		require.True(t, clean)
	}
}
