package arena

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// Validate is only worth something if it fails.
func TestValidateFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(a *Arena, c *Cache)
		says   string
	}{
		"a frame twice in a list": {func(a *Arena, c *Cache) {
			p, q := c.lists[0].Pop(), c.lists[0].Pop()
			c.lists[0].Push(p)
			c.lists[0].Push(q)
			c.lists[0].Push(p)
		}, "is free twice"},
		"a frame in two caches": {func(a *Arena, c *Cache) {
			p := c.lists[0].Pop()
			c.lists[0].Push(p)
			b := a.emptyBatch()
			b.Add(p)
			a.shared.public[0].Push(b)
		}, "is free twice"},
		"a frame of another class": {func(a *Arena, c *Cache) {
			c.lists[1].Push(c.lists[0].Pop())
		}, "the free frame of 256 bytes"},
		"no frame": {func(a *Arena, c *Cache) {
			c.lists[0].Push(unsafe.Pointer(new([256]byte)))
		}, "is in no slab of its class"},
		"an address within a frame": {func(a *Arena, c *Cache) {
			c.lists[0].Push(unsafe.Add(c.lists[0].Pop(), 64))
		}, "is at no place for a frame"},
		"a frame that was never carved": {func(a *Arena, c *Cache) {
			c.lists[0].Push(unsafe.Add(a.central[0].current.Base(), slab.Size-128))
		}, "is at no place for a frame"},
		"a lost slab": {func(a *Arena, c *Cache) {
			a.central[0].slabs--
		}, "has 62 frames in 0 slabs, but its slabs are 1, with 62 frames"},
		"frames that were not counted": {func(a *Arena, c *Cache) {
			a.central[0].carved--
		}, "has 61 frames in 1 slabs"},
		"a budget that leaks": {func(a *Arena, c *Cache) {
			a.budget.take(1)
		}, "bytes are counted as used"},
		"frames wrongly counted as cold": {func(a *Arena, c *Cache) {
			a.cold[0].Add(1)
		}, "are counted as cold"},
		"a slab's count and its class's": {func(a *Arena, c *Cache) {
			a.central[0].current.Desc.carved = 3
		}, "but its slabs are 1, with 3 frames"},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := New()
			require.NoError(t, err)
			a.checker = nil // whose cache would have the frames
			cache := a.NewCache()
			cache.Deallocate(cache.Allocate(100), 100)
			require.NoError(t, a.Validate())
			require.Equal(t, bins.BatchCap, cache.lists[0].Len())
			c.damage(a, cache)
			err = a.Validate()
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestValidateComparesRecords(t *testing.T) {
	for _, c := range []struct {
		state frameState
		says  string
	}{
		{frameLive, "is live: true, and free: true"},
		{frameNew, "is live: false, and free: false"},
	} {
		a, err := New(WithChecks(0))
		require.NoError(t, err)
		live, free := a.Allocate(100), a.Allocate(100)
		a.Deallocate(free, 100)
		require.NoError(t, a.Validate())
		p := live
		if c.state == frameLive {
			p = free
		}
		a.checker.record(p).state = c.state
		err = a.Validate()
		require.ErrorIs(t, err, ErrCorrupt)
		require.ErrorContains(t, err, c.says)
	}
}
