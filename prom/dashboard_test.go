package prom_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/prom"
	"github.com/framearena/framearena/task"
)

// command returns the path of a program of Debian's package prometheus, and skips the test if it is
// not installed. .ci/run installs it.
func command(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: it is in Debian's package prometheus", name)
	}
	return path
}

// The alert rules are correct, and fire when they should: alerts_test.yml says when.
func TestAlertRules(t *testing.T) {
	promtool := command(t, "promtool")
	for _, arguments := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		output, err := exec.CommandContext(ctx, promtool, arguments...).CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	alerts, err := os.ReadFile("alerts.yml")
	require.NoError(t, err)
	tests, err := os.ReadFile("alerts_test.yml")
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllSubmatch(alerts, -1) {
		require.Contains(t, string(tests), "alertname: "+string(m[1]), "no test for this alert")
	}
	mustBeMetrics(t, string(alerts))
}

// mustBeMetrics checks that the names of metrics in text are those of the collector.
func mustBeMetrics(t *testing.T, text string) {
	t.Helper()
	descriptions := make(chan *prometheus.Desc, 100)
	prom.NewCollector(inspect.New()).Describe(descriptions)
	close(descriptions)
	known := make(map[string]bool)
	for d := range descriptions {
		known[regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1]] = true
	}
	names := regexp.MustCompile(`framearena_\w+`).FindAllString(text, -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.True(t, known[name], name)
	}
}

// dashboard is what the tests look at of dashboard.json.
type dashboard struct {
	Title      string
	Templating struct {
		List []struct{ Name, Type, Definition string }
	}
	Panels []struct {
		ID          int
		Type, Title string
		GridPos     struct{ X, Y, W, H int }
		Targets     []struct {
			RefID, Expr, LegendFormat string
		}
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &d))
	mustBeMetrics(t, string(text))
	return d
}

// Every panel has a place and a number of its own, and every metric is on the dashboard.
func TestDashboardIsComplete(t *testing.T) {
	d := readDashboard(t)
	ids := make(map[int]bool)
	taken := make(map[[2]int]string)
	text := ""
	for _, p := range d.Panels {
		require.False(t, ids[p.ID], p.Title)
		ids[p.ID] = true
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Empty(t, taken[[2]int{x, y}], p.Title)
				taken[[2]int{x, y}] = p.Title
			}
		}
		refs := make(map[string]bool)
		for _, q := range p.Targets {
			require.False(t, refs[q.RefID], p.Title)
			refs[q.RefID] = true
			text += q.Expr + "\n"
		}
		require.Equal(t, p.Type == "row", len(p.Targets) == 0, p.Title)
	}
	descriptions := make(chan *prometheus.Desc, 100)
	prom.NewCollector(inspect.New()).Describe(descriptions)
	close(descriptions)
	for m := range descriptions {
		name := regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(m.String())[1]
		if name != "framearena_arena_slabs" && name != "framearena_arena_large_bytes" && name != "framearena_pool_elided_frames_total" {
			require.Regexp(t, `\b`+name+`\b`, text)
		}
	}
}

// busyProgram serves the metrics of a pool where everything happens that the dashboard shows.
func busyProgram(t *testing.T) (address string) {
	a, err := arena.New()
	require.NoError(t, err)
	pool := executor.NewPool(executor.WithArena(a), executor.WithWorkers(2), executor.WithKindStats(),
		executor.WithBlockedLimit(time.Millisecond), executor.WithErrorHandler(func(error) {}))
	n, err := netio.Open(pool)
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.NewCollector(inspect.New(inspect.WithExecutor("main", pool), inspect.WithNet("front", n))))
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	t.Cleanup(func() {
		server.Close()
		require.NoError(t, n.Close())
		require.NoError(t, pool.Close())
		require.NoError(t, a.Close())
	})
	stock := new(coro.Mutex)
	stock.TryLock()
	coro.NameWaitable(stock, "stock")
	locks := coro.Define("locks", func(f *coro.Frame[none, none]) coro.Step { return stock.Lock(f, 1) })
	holds := coro.DefineHeld("holds", func(f *coro.Frame[none, none], _ *[100]string) coro.Step {
		return coro.Sleep(f, 0, time.Hour)
	})
	ticks := coro.Define("ticks", func(f *coro.Frame[int, none]) coro.Step {
		if f.State++; f.State%64 == 0 {
			time.Sleep(3 * time.Millisecond) // too long for a step
		}
		return coro.Sleep(f, 0, time.Millisecond)
	})
	require.NoError(t, coro.GoHeld(pool, holds, none{}, [100]string{}))
	for range 5 {
		require.NoError(t, coro.Go(pool, parent, none{}))
		require.NoError(t, coro.Go(pool, locks, none{}))
		require.NoError(t, coro.Go(pool, ticks, 0))
	}
	require.NoError(t, task.Go(pool, task.Do0(uncompiled)))
	return strings.TrimPrefix(server.URL, "http://")
}

// uncompiled is a task function that nobody has compiled.
func uncompiled(t *task.T) error { return t.Sleep(time.Hour) }

// startPrometheus starts a Prometheus that scrapes a target often, with the alert rules, and returns its
// URL. It listens on the loopback interface only.
func startPrometheus(t *testing.T, target string) string {
	binary := command(t, "prometheus")
	dir := t.TempDir()
	rules, err := filepath.Abs("alerts.yml")
	require.NoError(t, err)
	config := fmt.Sprintf("global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}\nrule_files: [%q]\nscrape_configs:\n- {job_name: program, static_configs: [{targets: [%q]}]}\n", rules, target)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	ctx, cancel := context.WithCancel(context.Background())
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	c := exec.CommandContext(ctx, binary, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	c.Stdout, c.Stderr = log, log
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	require.NoError(t, c.Start())
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // the error is that of the signal
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s", text)
		}
	})
	return "http://" + address
}

// ask sends a request to the API of a Prometheus and decodes the data of the answer. It returns an
// error if that has none.
func ask(t *testing.T, server, path string, data any) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+path, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var reply struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(text, &reply); err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if reply.Status != "success" {
		return fmt.Errorf("%s: %s", path, reply.Error)
	}
	return json.Unmarshal(reply.Data, data)
}

// Every query of the dashboard has an answer from a Prometheus that scrapes a busy program, and the
// server evaluates every alert rule.
func TestDashboardAgainstPrometheus(t *testing.T) {
	command(t, "prometheus")
	d := readDashboard(t)
	server := startPrometheus(t, busyProgram(t))
	choices := strings.NewReplacer("$job", "program", "$instance", ".*", "$executor", ".*", "$__rate_interval", "10s")
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			expression := choices.Replace(q.Expr)
			require.NotContains(t, expression, "$", "a variable that the test does not know")
			require.EventuallyWithT(t, func(c *assert.CollectT) {
				var data struct {
					Result []struct {
						Metric map[string]string
						Value  []any
					}
				}
				require.NoError(c, ask(t, server, "/api/v1/query?query="+url.QueryEscape(expression), &data))
				require.NotEmpty(c, data.Result, expression)
				for _, label := range regexp.MustCompile(`{{(\w+)}}`).FindAllStringSubmatch(q.LegendFormat, -1) {
					require.NotEmpty(c, data.Result[0].Metric[label[1]], "%s has no label %s for its legend", expression, label[1])
				}
			}, 30*time.Second, 100*time.Millisecond, "%s: %s", p.Title, expression)
		}
	}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		m := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`).FindStringSubmatch(v.Definition)
		require.NotNil(t, m, v.Definition)
		var values []string
		require.NoError(t, ask(t, server, "/api/v1/label/"+m[2]+"/values?match[]="+url.QueryEscape(choices.Replace(m[1])), &values))
		require.NotEmpty(t, values, v.Name)
	}
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		var data struct {
			Groups []struct {
				Rules []struct{ Name, Health, State, LastError string }
			}
		}
		require.NoError(c, ask(t, server, "/api/v1/rules", &data))
		require.Len(c, data.Groups, 1)
		states := make(map[string]string)
		for _, r := range data.Groups[0].Rules {
			require.Equal(c, "ok", r.Health, "%s: %s", r.Name, r.LastError)
			states[r.Name] = r.State
		}
		require.Equal(c, "firing", states["WorkersBlocked"])
		require.Equal(c, "inactive", states["FramesRefused"])
	}, 30*time.Second, 100*time.Millisecond)
}
