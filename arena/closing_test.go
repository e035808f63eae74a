package arena

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a cache that is being closed has published is in nobody's stack until it is
// the shared cache's: a cache that runs dry meanwhile must not take the arena for
// empty, and carve.
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
	require.True(t, dry.missed)
	a.mu.Unlock()

	<-done
	require.Nil(t, dry.search(1, maxVictims), "nobody has frames of this class")
	require.False(t, dry.missed)
	dry.Close()
	require.NoError(t, a.Close())
}
