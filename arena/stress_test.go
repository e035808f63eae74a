package arena_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// TestStress runs all that an arena does on more goroutines than there are cores,
// within a limit that is reached now and then, with a system that refuses now and
// then, and validates the arena between rounds. It is no benchmark.
func TestStress(t *testing.T) {
	rounds, operations := 6, 3000
	if testing.Short() || race.Enabled || isChecked {
		rounds, operations = 2, 500
	}
	for _, procs := range []int{1, 2, 4, 8} {
		for _, checked := range []bool{false, true} {
			t.Run(fmt.Sprintf("procs=%d,checked=%t", procs, checked), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				opts := []arena.Option{arena.WithMaxBytes(24 * slab.Size), arena.WithRegionBytes(4 * slab.Size)}
				if checked {
					opts = append(opts, arena.WithChecks(512<<10))
				}
				newStress(t, opts...).run(rounds, operations)
			})
		}
	}
}

// stress is a load on one arena.
type stress struct {
	t       *testing.T
	arena   *arena.Arena
	users   []*stressUser
	passed  chan frame // from one user to another
	refuses atomic.Bool
}

// stressUser is one goroutine's part of the load.
type stressUser struct {
	*stress
	random *rand.Rand
	cache  *arena.Cache
	live   []frame
}

func newStress(t *testing.T, opts ...arena.Option) *stress {
	s := &stress{t: t, passed: make(chan frame, 256)}
	var calls atomic.Uint64
	s.arena = newArena(t, append(opts, arena.WithRefusal(func(uintptr) error {
		if s.refuses.Load() && calls.Add(1)%3 == 0 {
			return errors.New("not now")
		}
		return nil
	}))...)
	for i := range 10 {
		s.users = append(s.users, &stressUser{
			stress: s,
			random: rand.New(rand.NewPCG(5, uint64(i))),
			cache:  s.arena.NewCache(),
		})
	}
	return s
}

func (s *stress) run(rounds, operations int) {
	for round := range rounds {
		s.refuses.Store(round%2 == 1)
		var all sync.WaitGroup
		for _, u := range s.users {
			all.Go(func() {
				for range operations {
					u.step()
				}
			})
		}
		all.Wait()
		s.validate()
	}
	for _, u := range s.users {
		for len(u.live) > 0 {
			u.free(s.arena)
		}
		u.cache.Close()
	}
	for len(s.passed) > 0 {
		f := <-s.passed
		s.arena.Deallocate(f.p, f.size)
	}
	s.arena.Trim(0)
	s.validate()
	require.NoError(s.t, s.arena.Close())
}

// validate is called when all users are at rest.
func (s *stress) validate() {
	require.NoError(s.t, s.arena.Validate())
	live := len(s.passed)
	for _, u := range s.users {
		live += len(u.live)
		for _, f := range u.live {
			require.NoError(s.t, f.check())
		}
	}
	stats := s.arena.Stats()
	require.EqualValues(s.t, live, int(stats.Total.Live)+stats.Large)
	require.Equal(s.t, stats.Total.Carved, stats.Total.Live+stats.Total.Private+stats.Total.Public)
	require.LessOrEqual(s.t, stats.MappedBytes, uintptr(24*slab.Size))
}

// step is one random operation.
func (u *stressUser) step() {
	var m arena.FrameAllocator = u.arena
	if u.random.IntN(2) == 0 {
		m = u.cache
	}
	switch n := u.random.IntN(1000); {
	case n < 450:
		u.allocate(m)
	case n < 850:
		u.free(m)
	case n < 900: // hand over
		if len(u.live) > 0 {
			select {
			case u.passed <- u.live[0]:
				u.live[0] = u.live[len(u.live)-1]
				u.live = u.live[:len(u.live)-1]
			default:
			}
		}
	case n < 960: // take over
		select {
		case f := <-u.passed:
			u.live = append(u.live, f)
		default:
		}
	case n < 980:
		u.cache.Publish()
	case n < 990:
		u.cache.Close()
		if n%2 == 0 {
			u.arena.OpenCache(u.cache)
		} else {
			u.cache = u.arena.NewCache()
		}
	case n < 995:
		u.arena.Trim(uintptr(u.random.IntN(4 * slab.Size)))
	default:
		u.arena.Stats()
	}
}

func (u *stressUser) allocate(m arena.FrameAllocator) {
	largest := uint64(1) << u.random.IntN(13)
	if u.random.IntN(30) == 0 {
		largest = 128 << 10
	}
	size := 1 + uintptr(u.random.Uint64N(largest))
	f := frame{p: m.Allocate(size), size: size, seed: u.random.Uint64()}
	if f.p == nil { // there is a limit, and a system that refuses
		u.free(m)
		return
	}
	f.fill()
	u.live = append(u.live, f)
}

func (u *stressUser) free(m arena.FrameAllocator) {
	if len(u.live) == 0 {
		return
	}
	i := u.random.IntN(len(u.live))
	f := u.live[i]
	u.live[i] = u.live[len(u.live)-1]
	u.live = u.live[:len(u.live)-1]
	if err := f.check(); err != nil {
		u.t.Error(err)
	}
	m.Deallocate(f.p, f.size)
}
