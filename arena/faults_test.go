package arena_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
)

// requireLive fails the test unless so many frames of each class are live.
func requireLive(t *testing.T, a *arena.Arena, live [bins.Classes]int) {
	t.Helper()
	for i, c := range a.Stats().Classes {
		require.EqualValues(t, live[i], c.Live, "live frames of %d bytes", c.Size)
	}
}

// faultLoad allocates frames of all classes and large ones by way of an arena and two caches,
// and frees, publishes and trims in between. It returns how many requests were refused.
func faultLoad(t *testing.T, a *arena.Arena, each string) (refused int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	first, second := a.NewCache(), a.NewCache()
	ways := []arena.FrameAllocator{a, first, second}
	begin := func(f frame) frame { return frame{f.p, min(f.size, 256), f.seed} } // the rest takes too long
	var live []frame
	var classes [bins.Classes]int
	free := func(i int) {
		f := live[i]
		require.NoError(t, begin(f).check(), each)
		ways[r.IntN(len(ways))].Deallocate(f.p, f.size)
		if !isLarge(f.size) {
			classes[classIndex(f.size)]--
		}
		live[i] = live[len(live)-1]
		live = live[:len(live)-1]
	}
	sizes := []uintptr{1, 200, 3000, 16 << 10, 60_000, 70_000, 1 << 20, 3 << 20}
	requests := uint64(300)
	if testing.Short() || isChecked { // each byte of a frame is looked at
		requests = 80
	}
	for i := range requests {
		f := frame{size: sizes[r.IntN(len(sizes))], seed: i}
		if f.p = ways[r.IntN(len(ways))].Allocate(f.size); f.p == nil {
			refused++
		} else {
			begin(f).fill()
			live = append(live, f)
			if !isLarge(f.size) {
				classes[classIndex(f.size)]++
			}
		}
		for len(live) > 20 || len(live) > 0 && r.IntN(3) == 0 {
			free(r.IntN(len(live)))
		}
		switch r.IntN(60) {
		case 0:
			first.Publish()
		case 1:
			a.Trim(0)
		}
	}
	requireLive(t, a, classes)
	for len(live) > 0 {
		free(0)
	}
	first.Close()
	second.Close()
	requireLive(t, a, [bins.Classes]int{})
	require.NoError(t, a.Validate(), each)
	return refused
}

// One request to the system after the other is refused, alone or with all later ones. Nothing
// that is live is harmed, and when the system has memory again, so has the arena.
func TestEveryMappingRefused(t *testing.T) {
	stride := 1
	switch {
	case isChecked:
		stride = 13
	case testing.Short() || race.Enabled:
		stride = 7
	}
	for _, pattern := range []string{"only", "from"} {
		t.Run(pattern, func(t *testing.T) {
			for n, over := 1, false; !over; n += stride {
				requests, refusing := 0, true
				a := open(t, arena.WithRegionBytes(2*slab.Size), arena.WithRefusal(func(uintptr) error {
					requests++
					if refusing && (requests == n || pattern == "from" && requests > n) {
						return errors.New("no memory today")
					}
					return nil
				}))
				each := fmt.Sprintf("%s request %d", pattern, n)
				refused := faultLoad(t, a, each)
				if over = requests < n; over {
					require.Zero(t, refused, each)
					t.Logf("%d requests", requests)
				}
				refusing = false
				require.Zero(t, faultLoad(t, a, each), "%s: there is memory again", each)
				require.NoError(t, a.Close(), each)
			}
		})
	}
}

// The load runs with every limit from one slab to more than it needs: the limit holds, and
// refusals do no harm.
func TestEveryLimit(t *testing.T) {
	step := uintptr(slab.Size) / 2
	if isChecked {
		step *= 9
	}
	for limit, refused := uintptr(slab.Size), 1; refused > 0; limit += step {
		a := open(t, arena.WithMaxBytes(limit))
		each := fmt.Sprintf("limit %d", limit)
		refused = faultLoad(t, a, each)
		require.EqualValues(t, refused, a.Stats().Refusals, each)
		require.LessOrEqual(t, a.Stats().MappedBytes, limit, each)
		a.Trim(0)
		refused += faultLoad(t, a, each)
		require.EqualValues(t, refused, a.Stats().Refusals, each)
		require.LessOrEqual(t, a.Stats().MappedBytes, limit, each)
		require.Less(t, limit, uintptr(200*slab.Size))
	}
}

// Goroutines that own caches end in the middle of their work. Others can free their live
// frames and use the frames that they had published. A goroutine that takes a cache over, or
// closes it, gets the rest. A cache that is not taken over keeps a bounded number of free
// frames, and the arena can be closed nevertheless.
func TestOwnersOfCachesDie(t *testing.T) {
	const size = 1000
	for _, death := range []struct {
		name string
		die  func()
	}{
		{"Goexit", runtime.Goexit},
		{"panic", func() { panic("dies") }},
	} {
		for _, closes := range []string{"closed by another", "taken over", "forgotten"} {
			t.Run(death.name+", "+closes, func(t *testing.T) {
				a := open(t, arena.WithoutQuarantine())
				carved := uint64(0)
				for round := range 20 {
					var left []frame
					var orphan *arena.Cache
					done := make(chan struct{})
					go func() {
						defer close(done)
						defer func() { _ = recover() }()
						c := a.NewCache()
						orphan = c
						for i := range uint64(300) {
							f := frame{c.Allocate(size), size, i}
							f.fill()
							if i%3 == 0 {
								left = append(left, f)
								continue
							}
							c.Deallocate(f.p, size)
						}
						death.die()
					}()
					<-done
					switch closes {
					case "taken over":
						p := orphan.Allocate(size)
						require.NotNil(t, p)
						orphan.Deallocate(p, size)
						orphan.Close()
					case "closed by another":
						orphan.Close()
					}
					for _, f := range left {
						require.NoError(t, f.check())
						a.Deallocate(f.p, size)
					}
					require.Zero(t, a.Stats().Total.Live)
					require.NoError(t, a.Validate())
					if round == 0 {
						carved = a.Stats().Total.Carved
					}
				}
				if closes != "forgotten" {
					require.LessOrEqual(t, a.Stats().Total.Carved, carved+uint64(bins.ListCap*(1+runtime.GOMAXPROCS(0))), "the frames are used again")
				}
				require.LessOrEqual(t, int(a.Stats().Total.Private), bins.ListCap*(20+1+runtime.GOMAXPROCS(0)))
				a.Trim(0)
				require.NoError(t, a.Validate())
				require.NoError(t, a.Close())
			})
		}
	}
}
