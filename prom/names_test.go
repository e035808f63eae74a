package prom_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/prom"
)

// A scrape must not fail, whatever names users give, and names that are shown alike must not
// make the same series twice.
func TestAnyNameCanBeScraped(t *testing.T) {
	const executorName = "exec \xff\n\"main\""
	pool := newPool(t, executor.WithWorkers(1), executor.WithKindStats())
	names := []string{"bad \xff utf-8", `bad \xff utf-8`, "line\nline", `"quoted" \`, "<b>html</b>", "\x00\x1b[31m\x7f", "", strings.Repeat("ö", 10_000), strings.Repeat("ö", 10_001)}
	for _, name := range names {
		kind := coro.Define(name, func(f *coro.Frame[none, none]) coro.Step { return coro.Sleep(f, 0, time.Hour) })
		require.NoError(t, coro.Go(pool, kind, none{}))
	}
	untilWaiting(t, pool, len(names))
	c := prom.NewCollector(inspect.New(inspect.WithExecutor(executorName, pool)))
	got := series(t, c)
	shown := `exec \xff\n"main"`
	require.EqualValues(t, 2, got["framearena_waiting_tasks{executor="+shown+`,kind=bad \xff utf-8,operation=Sleep,root=bad \xff utf-8}`])
	require.EqualValues(t, 2, got[`framearena_tasks_live{kind=bad \xff utf-8}`])
	require.EqualValues(t, 2, got["framearena_tasks_live{kind="+strings.Repeat("ö", 119)+"…}"])
	require.EqualValues(t, 1, got[`framearena_tasks_live{kind=line\nline}`])

	registry := prometheus.NewPedanticRegistry()
	require.NoError(t, registry.Register(c))
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Less(t, w.Body.Len(), 100_000)
}
