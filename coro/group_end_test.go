package coro_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Children that end one after the other on a worker are counted together. Whatever runs between
// them, each is counted once, and the task resumes when all have ended.
func TestChildrenEndInEveryOrder(t *testing.T) {
	noLeftParts(t)
	const (
		returns = iota
		yields
		awaits
		spawns
		fails
		panics
		exits
		ways
	)
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	spawner := coro.Define("spawner", func(f *coro.Frame[parent, int]) coro.Step {
		if f.At() == 0 {
			coro.Spawn(f, &f.State.g, leaf, 1, &f.State.n)
			coro.Spawn(f, &f.State.g, leaf, 1, nil)
			return f.State.g.Wait(f, 1)
		}
		return f.Return(f.State.n)
	})
	child := coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 1 {
			return f.Return(1)
		}
		switch f.State {
		case yields:
			return coro.Yield(f, 1)
		case awaits:
			return coro.Await(f, 1, leaf, 1, nil)
		case spawns:
			return coro.Await(f, 1, spawner, parent{}, nil)
		case fails:
			return f.Fail(errLeaf)
		case panics:
			panic(errLeaf)
		case exits:
			runtime.Goexit()
		}
		return f.Return(1)
	})
	type state struct {
		g     coro.Group
		seed  uint64
		stays bool
		want  int32
		got   [40]int
	}
	family := coro.Define("family", func(f *coro.Frame[state, none]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			random := rand.New(rand.NewPCG(s.seed, 0))
			for i := range s.got {
				way := returns
				if random.IntN(3) == 0 {
					way = random.IntN(ways)
				}
				if way < fails {
					s.want++
				}
				coro.Spawn(f, &s.g, child, way, &s.got[i])
			}
			if !s.stays {
				return f.Return(none{})
			}
			return s.g.Wait(f, 1)
		}
		sum := int32(0)
		for _, n := range s.got {
			sum += int32(n)
		}
		if sum != s.want {
			return f.Fail(errors.New("wrong sum"))
		}
		if errors.Is(f.Err(), errLeaf) || errors.Is(f.Err(), coro.ErrGoexit) {
			return f.Return(none{})
		}
		return f.Fail(f.Err())
	})
	groupExecutors(t, func(t *testing.T, ex closer) {
		_, isPool := ex.(*executor.Pool)
		for seed := range uint64(scaled(200)) {
			for _, stays := range []bool{true, false} {
				ended := make(chan error, 1)
				go func() { // on an Inline, a Goexit ends the goroutine of Run
					defer close(ended)
					_, err := coro.Run(context.Background(), ex, family.With(state{seed: seed, stays: stays}))
					ended <- err
				}()
				err, returned := <-ended
				require.True(t, returned || !isPool)
				if stays {
					require.NoError(t, err)
				} else if err != nil && !errors.Is(err, coro.ErrGoexit) {
					require.ErrorIs(t, err, errLeaf)
				}
			}
		}
	})
}
