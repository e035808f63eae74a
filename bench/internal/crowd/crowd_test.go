package crowd

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contesttest"
)

func TestContestants(t *testing.T) {
	sizes := map[string]int{}
	for i, d := range Disciplines() {
		sizes[d.ID] = []int{1, 10, 100, 2000, 5000}[i]
	}
	contesttest.Run(t, Disciplines(), sizes)
}

// The check finds an activity whose state was changed while it was idle.
func TestChangedState(t *testing.T) {
	begun.Store(0)
	ended.Store(0)
	endedIDs.Store(0)
	c := new(damaging)
	require.NoError(t, c.open(1))
	require.NoError(t, c.create(3))
	c.finish()
	require.EqualError(t, checkEnded(3), "check failed: 2 activities have ended, whose ids add up to 4, want 3 and 6")
	require.NoError(t, c.close())
}

type damaging struct{ structCrowd }

func (c *damaging) create(n int) error {
	err := c.structCrowd.create(n)
	c.idle[1].Words[3]++
	return err
}

// Each request is served once.
func TestLoad(t *testing.T) {
	for name, c := range map[string]crowd{"tasks": newTaskCrowd(), "goroutines": newGoroutineCrowd(), "structs": newStructCrowd()} {
		require.NoError(t, c.open(3))
		p := runLoad(c, 3, 200*requestEvery)
		require.Positive(t, p.p50, name)
		require.LessOrEqual(t, p.p50, p.p99, name)
		require.LessOrEqual(t, p.p99, p.p999, name)
		c.finish()
		require.NoError(t, c.close(), name)
	}
}

func TestNeeds(t *testing.T) {
	for _, d := range Disciplines() {
		for _, c := range d.Contestants {
			require.GreaterOrEqual(t, c.Needs(d.Size), uint64(d.Size)*72, "less than the state")
		}
	}
}
