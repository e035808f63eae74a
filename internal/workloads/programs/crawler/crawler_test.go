package crawler_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads/programs/crawler"
	"github.com/framearena/framearena/task"
)

// perHost is how many pages of a crawl each host has, beside the first one.
const perHost = 10

// each runs a crawl of 501 pages in each form, in a bubble whose time passes while all goroutines wait.
func each(t *testing.T, pause time.Duration, full func(), test func(t *testing.T, visited, peak int, took time.Duration, err error)) {
	for _, form := range []crawler.Form{crawler.Tasks, crawler.Plain, crawler.Goroutines} {
		t.Run(string(form), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := executor.NewPool(executor.WithWorkers(1))
				start := time.Now()
				visited, peak, err := crawler.Crawl(form, pool, &crawler.Site{Pages: 50*perHost + 1, Pause: pause}, full)
				test(t, visited, peak, time.Since(start), err)
				require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
			})
		})
	}
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
}

// The requests to a host keep the pause: the first page is there at once, and its host has ten more.
func TestPauses(t *testing.T) {
	each(t, time.Minute, func() {}, func(t *testing.T, visited, peak int, took time.Duration, err error) {
		require.NoError(t, err)
		require.Equal(t, 50*perHost+1, visited)
		require.Equal(t, 8, peak)
		require.InDelta(t, perHost*time.Minute, took, float64(time.Second))
	})
}

// A request that gets no answer in time fails, and its permit is for another page.
func TestNoAnswer(t *testing.T) {
	full := func() { time.Sleep(90 * time.Second) }
	each(t, time.Millisecond, full, func(t *testing.T, visited, peak int, took time.Duration, err error) {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 50*(perHost-8)+1, visited)
		require.Equal(t, 8, peak)
		require.InDelta(t, 90*time.Second, took, float64(time.Second))
	})
}
