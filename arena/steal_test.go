package arena

import (
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

// publishMany leaves three batches in the public stack of c.
func publishMany(c *Cache) {
	var frames [3 * bins.BatchCap]unsafe.Pointer
	for i := range frames {
		frames[i] = c.Allocate(100)
	}
	for _, p := range frames {
		c.Deallocate(p, 100)
	}
	c.Publish()
}

// A taker has taken the whole stack of a cache. It puts the rest back while the owner of the
// cache closes it.
func TestCloseWaitsForTakers(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	a.checker = nil // whose cache would have the frames
	c := a.NewCache()
	publishMany(c)
	c.takers.Add(1)
	rest := c.public[0].TakeAll()
	require.NotNil(t, rest)
	var closing sync.WaitGroup
	closing.Go(c.Close)
	for c.openIn.Load() != nil {
		runtime.Gosched()
	}
	c.public[0].PushAll(rest)
	c.takers.Add(-1)
	closing.Wait()
	require.True(t, c.public[0].Empty())
	require.Zero(t, a.Stats().Total.Live, "nothing is lost")
	require.NoError(t, a.Close())
}

// A goroutine with an old list of caches finds no frames of another arena in it.
func TestReopenedCacheBelongsToOneArena(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	b, err := New()
	require.NoError(t, err)
	a.checker, b.checker = nil, nil
	var c Cache
	a.OpenCache(&c)
	c.Close()
	b.OpenCache(&c)
	publishMany(&c)
	require.Nil(t, c.take(a, 0))
	require.Nil(t, c.takeAll(a, 0))
	batch := c.take(b, 0)
	require.NotNil(t, batch)
	c.public[0].Push(batch)
	c.Close()
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
}

// Caches close while others take from them, and no frame is lost.
func TestCachesCloseWhileOthersTake(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	rounds := 10_000
	if testing.Short() || race.Enabled {
		rounds = 1000
	}
	a, err := New()
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			for range rounds {
				c := a.NewCache()
				publishMany(c)
				c.Close()
			}
		})
	}
	all.Wait()
	require.Zero(t, a.Stats().Total.Live)
	require.NoError(t, a.Validate())
	require.NoError(t, a.Close())
}

// While a cache is being closed, no search finds the frames that it has published. A cache that
// runs dry meanwhile must not take the arena for empty, and carve.
func TestFramesOfAClosingCacheAreInSomebodysHands(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	closing, dry := a.NewCache(), a.NewCache()
	closing.Deallocate(closing.Allocate(100), 100)

	a.mu.Lock() // Close gets as far as this
	done := make(chan struct{})
	go func() {
		defer close(done)
		closing.Close()
	}()
	for closing.openIn.Load() != nil {
		runtime.Gosched()
	}
	// As if the closing cache were not among the victims of this search.
	require.Nil(t, dry.search(0, 0))
	require.True(t, dry.contended)
	a.mu.Unlock()

	<-done
	require.Nil(t, dry.search(1, maxVictims), "nobody has frames of this class")
	require.False(t, dry.contended)
	dry.Close()
	require.NoError(t, a.Close())
}
