package checker_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/examples/health/checker"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// each runs a test with each form. start starts the checks of the targets; when the
// test returns, they are ended.
func each(t *testing.T, test func(t *testing.T, start func(c *checker.Checker, targets ...string))) {
	t.Run("tasks", func(t *testing.T) {
		pool := executor.NewPool()
		ctx, cancel := context.WithCancel(t.Context())
		test(t, func(c *checker.Checker, targets ...string) { require.NoError(t, c.Tasks(ctx, pool, targets)) })
		cancel()
		require.NoError(t, pool.Drain(t.Context()))
		require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
	})
	t.Run("plain", func(t *testing.T) {
		pool := executor.NewPool()
		ctx, cancel := context.WithCancel(t.Context())
		test(t, func(c *checker.Checker, targets ...string) { require.NoError(t, c.Plain(ctx, pool, targets)) })
		cancel()
		require.NoError(t, pool.Drain(t.Context()))
		require.NoError(t, pool.Close())
		require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	})
	t.Run("goroutines", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		wait := func() {}
		test(t, func(c *checker.Checker, targets ...string) { wait = c.Goroutines(ctx, targets) })
		cancel()
		wait()
	})
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond)
}

// A target falls ill, and recovers.
func TestATarget(t *testing.T) {
	each(t, func(t *testing.T, start func(*checker.Checker, ...string)) {
		var ill atomic.Bool
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if ill.Load() {
				w.WriteHeader(http.StatusTeapot)
			}
		}))
		defer server.Close()
		c := &checker.Checker{Client: server.Client(), Interval: time.Millisecond, Timeout: time.Minute, Parallel: 1, Board: new(checker.Board)}
		healthy := func() bool { err, ok := c.Board.Get(server.URL); return ok && err == nil }
		start(c, server.URL)
		eventually(t, healthy)
		ill.Store(true)
		eventually(t, func() bool { return !healthy() })
		err, _ := c.Board.Get(server.URL)
		require.EqualError(t, err, "418 I'm a teapot")
		ill.Store(false)
		eventually(t, healthy)
	})
}

// A target that does not answer is ill after the timeout. It does not keep the others from being
// checked, and there are no more checks at the same time than there may be.
func TestTimeoutAndLimit(t *testing.T) {
	each(t, func(t *testing.T, start func(*checker.Checker, ...string)) {
		const parallel = 2
		var now, peak atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			n := now.Add(1)
			defer now.Add(-1)
			for old := peak.Load(); n > old && !peak.CompareAndSwap(old, n); old = peak.Load() {
			}
			if r.URL.Path == "/mute" {
				<-r.Context().Done()
			}
		}))
		defer server.Close()
		c := &checker.Checker{Client: server.Client(), Interval: time.Hour, Timeout: 100 * time.Millisecond, Parallel: parallel, Board: new(checker.Board)}
		start(c, server.URL+"/mute", server.URL+"/a", server.URL+"/b", server.URL+"/c")
		eventually(t, func() bool { return c.Board.Checks() == 4 })
		err, _ := c.Board.Get(server.URL + "/mute")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, peak.Load(), int64(parallel+1), "the server may not have noticed yet that the check has given up")
	})
}

func TestARound(t *testing.T) {
	w, err := checker.NewWorld(200)
	require.NoError(t, err)
	for _, as := range []checker.Form{checker.Tasks, checker.Plain, checker.Goroutines} {
		pool := executor.NewPool()
		full := 0
		ill, err := w.Round(as, pool, func() { full++ })
		require.NoError(t, err)
		require.Equal(t, 20, ill)
		require.Equal(t, 1, full)
		require.NoError(t, pool.Close())
	}
	require.NoError(t, w.Close())
}

// Tasks give their permits back when the pool is closed.
func TestTheEndOfThePool(t *testing.T) {
	w, err := checker.NewWorld(50)
	require.NoError(t, err)
	for _, start := range []func(*checker.Checker, context.Context, coro.Executor, []string) error{(*checker.Checker).Tasks, (*checker.Checker).Plain} {
		pool := executor.NewPool(executor.WithErrorHandler(func(error) {})) // the errors are executor.ErrClosed
		c := w.Checker()
		require.NoError(t, start(c, t.Context(), pool, w.Targets))
		require.NoError(t, pool.Close())
		require.ErrorIs(t, start(c, t.Context(), pool, w.Targets), executor.ErrClosed)
		c.Client.CloseIdleConnections()
	}
	require.NoError(t, w.Close())
}
