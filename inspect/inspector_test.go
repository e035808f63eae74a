package inspect_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"expvar"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/task"
)

type none = struct{}

var (
	sleeper = coro.Define("sleeper", func(f *coro.Frame[[20]int64, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Hour)
		}
		return f.Return(none{})
	})
	parent = coro.Define("parent <of> sleepers", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, sleeper, [20]int64{}, nil)
		}
		return f.Return(none{})
	})
	ended = coro.Define("ended", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
)

// sleepingPool returns a pool with so many trees, in which every leaf sleeps.
func sleepingPool(t *testing.T, trees int, opts ...executor.PoolOption) *executor.Pool {
	a, err := arena.New()
	require.NoError(t, err)
	pool := executor.NewPool(append(opts, executor.WithArena(a), executor.WithErrorHandler(func(error) {}))...)
	t.Cleanup(func() {
		require.NoError(t, pool.Close())
		require.NoError(t, a.Close())
	})
	for range trees {
		require.NoError(t, coro.Go(pool, parent, none{}))
	}
	require.Eventually(t, func() bool {
		for _, g := range pool.Environment().WaitingByKind() {
			return g.N == trees
		}
		return trees == 0
	}, time.Minute, time.Millisecond)
	return pool
}

// get returns the answer to a request for a path below /debug/.
func get(t *testing.T, i http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	i.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/"+path, nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Equal(t, fmt.Sprint(w.Body.Len()), w.Header().Get("Content-Length"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	return w
}

// unboundNap is a task function that nobody has compiled.
func unboundNap(t *task.T, d time.Duration) error { return t.Sleep(d) }

// Functions that run on goroutines are counted by name.
func TestUncompiledFunctions(t *testing.T) {
	pool := executor.NewPool(executor.WithWorkers(1), executor.WithErrorHandler(func(error) {}))
	for range 3 {
		require.NoError(t, task.Go(pool, task.Do1(unboundNap, time.Hour)))
	}
	_, err := task.Run(t.Context(), pool, task.Do1(unboundNap, 0))
	require.NoError(t, err)
	i := inspect.New(inspect.WithExecutor("main", pool))
	var d document
	require.Eventually(t, func() bool {
		d = decode(t, get(t, i, "json").Body.Bytes())
		return len(d.Uncompiled) > 0 && d.Uncompiled[0].Started == 4
	}, time.Minute, time.Millisecond)
	f := d.Uncompiled[0]
	require.Equal(t, "unboundNap", f.Name)
	require.Equal(t, "inspector_test.go", path.Base(f.File))
	require.Equal(t, 3, f.Live)
	body := get(t, i, "").Body.String()
	require.Contains(t, body, "functions that are not compiled")
	require.Contains(t, body, "unboundNap")
	require.NoError(t, pool.Close())
	require.Zero(t, decode(t, get(t, i, "json").Body.Bytes()).Uncompiled[0].Live)
}

// document has the fields of the JSON document that programs may rely on.
type document struct {
	Kinds []struct {
		Name, File string
		Line       int
		Live       int
		LiveBytes  int `json:"live_bytes"`
	}
	MoreKinds  int `json:"more_kinds"`
	Defined    int `json:"kinds_defined"`
	Uncompiled []struct {
		Name, File    string
		Started, Live int
	}
	Executors []struct {
		Name    string
		Waiting int
		Groups  []struct {
			N          int
			What       string
			Kind, Root struct{ Name string }
		} `json:"waiting_by_kind"`
		MoreGroups int `json:"more_groups"`
		Chains     []struct {
			N     int
			What  string
			Tasks []struct{ Name string }
		}
		ChainsOf int `json:"chains_of"`
		Pool     *struct {
			Tasks       int
			Workers     []struct{ Tasks int }
			MoreWorkers int `json:"more_workers"`
		}
	}
	Arenas []struct {
		Name    string
		Total   struct{ Live, Carved int }
		Classes []struct {
			FrameSize int `json:"frame_size"`
			Live      int
			Slabs     int
		}
		Mapped int `json:"mapped_bytes"`
		Map    []struct {
			FrameSize int `json:"frame_size"`
			Slabs     []struct {
				Address      string
				Live, Carved int
				Map          string
			}
			MoreSlabs int `json:"more_slabs"`
		}
	}
}

func decode(t *testing.T, text []byte) (d document) {
	t.Helper()
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

func TestJSON(t *testing.T) {
	pool := sleepingPool(t, 70, executor.WithWorkers(3), executor.WithKindStats())
	i := inspect.New(inspect.WithExecutor("main", pool))
	w := get(t, i, "json")
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	d := decode(t, w.Body.Bytes())
	require.Len(t, d.Executors, 1)
	e := d.Executors[0]
	require.Equal(t, "main", e.Name)
	require.Equal(t, 70, e.Waiting)
	require.Len(t, e.Groups, 1)
	require.Equal(t, 70, e.Groups[0].N)
	require.Equal(t, "Sleep", e.Groups[0].What)
	require.Equal(t, "sleeper", e.Groups[0].Kind.Name)
	require.Equal(t, "parent <of> sleepers", e.Groups[0].Root.Name)
	require.Equal(t, 70, e.ChainsOf)
	require.Len(t, e.Chains, 1)
	require.Equal(t, 70, e.Chains[0].N)
	require.Len(t, e.Chains[0].Tasks, 2)
	require.Equal(t, "sleeper", e.Chains[0].Tasks[0].Name)
	require.Len(t, e.Pool.Workers, 3)
	require.Equal(t, 70, e.Pool.Tasks)

	live := make(map[string]int)
	for _, k := range d.Kinds {
		live[k.Name] = k.Live
	}
	require.Equal(t, 70, live["sleeper"])
	require.Equal(t, 70, live["parent <of> sleepers"])
	require.GreaterOrEqual(t, d.Defined, 2)

	require.Len(t, d.Arenas, 1)
	a := d.Arenas[0]
	require.Equal(t, "main", a.Name)
	require.Equal(t, 140, a.Total.Live)
	require.Equal(t, int(pool.Arena().Stats().MappedBytes), a.Mapped)
	require.Len(t, a.Map, len(a.Classes))
	for n, row := range a.Map {
		require.Equal(t, a.Classes[n].FrameSize, row.FrameSize)
		require.Len(t, row.Slabs, a.Classes[n].Slabs)
		require.Equal(t, a.Classes[n].Live, row.Slabs[0].Live)
		require.Len(t, row.Slabs[0].Map, 64)
		require.Contains(t, "1234", row.Slabs[0].Map[:1])
	}

	require.Equal(t, d.Arenas, decode(t, get(t, i, "?format=json").Body.Bytes()).Arenas)
}

func TestPage(t *testing.T) {
	pool := sleepingPool(t, 1234, executor.WithWorkers(2), executor.WithKindStats())
	i := inspect.New(inspect.WithExecutor("<b>main</b>", pool), inspect.WithExecutor("loop", executor.NewLoop()))
	w := get(t, i, "")
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	body := w.Body.String()
	for _, wanted := range []string{
		"1,234", "2,468", "sleeper", "parent &lt;of&gt; sleepers", "&lt;b&gt;main&lt;/b&gt;", "<code>Sleep</code>",
		"No task is waiting.", "No slab is in use.", "Map of slabs", `class="live`,
	} {
		require.Contains(t, body, wanted)
	}
	require.NotContains(t, body, "<b>main")
	require.NotContains(t, body, "ZgotmplZ", "html/template has replaced a value that it does not trust")
	require.NotContains(t, body, "http-equiv")

	// The policy allows exactly the style and the script of the page, and no other.
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'none'")
	for _, tag := range []string{"style", "script"} {
		inline := regexp.MustCompile("(?s)<" + tag + ">(.*)</" + tag + ">").FindStringSubmatch(body)
		require.NotNil(t, inline)
		sum := sha256.Sum256([]byte(inline[1]))
		require.Contains(t, policy, tag+"-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	for _, link := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		require.Regexp(t, `^(\?refresh=\d+|json|profile|data:,)$`, link[1])
	}
}

func TestPageWithoutAnything(t *testing.T) {
	body := get(t, inspect.New(), "").Body.String()
	require.Contains(t, body, "</html>")
	require.Contains(t, body, `data-refresh="0"`)
}

func TestRefresh(t *testing.T) {
	i := inspect.New()
	for query, seconds := range map[string]int{"refresh=10": 10, "refresh=-1": 0, "refresh=x": 0, "refresh=0": 0, "refresh=9999999": 0} {
		body := get(t, i, "?"+query).Body.String()
		require.Contains(t, body, fmt.Sprintf(`data-refresh="%d"`, seconds))
		without := fmt.Sprintf(`<noscript><meta http-equiv="refresh" content="%d">`, seconds)
		require.Equal(t, seconds > 0, strings.Contains(body, without), "without JavaScript, the browser reloads the page")
		require.Equal(t, 1, strings.Count(body, `aria-current="true"`))
	}
}

func TestWhatIsNotServed(t *testing.T) {
	i := inspect.New()
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{http.MethodPost, "", http.StatusMethodNotAllowed},
		{http.MethodDelete, "json", http.StatusMethodNotAllowed},
		{http.MethodGet, "nothing", http.StatusNotFound},
		{http.MethodHead, "", http.StatusOK},
	} {
		w := httptest.NewRecorder()
		i.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, "/debug/"+c.path, nil))
		require.Equal(t, c.code, w.Code)
	}
}

func TestListsAreBounded(t *testing.T) {
	pool := sleepingPool(t, 0, executor.WithWorkers(70), executor.WithKindStats())
	const kinds = 130
	for n := range kinds {
		kind := coro.Define(fmt.Sprint("kind ", n), func(f *coro.Frame[none, none]) coro.Step {
			return coro.Sleep(f, 0, time.Hour)
		})
		for range n + 1 {
			require.NoError(t, coro.Go(pool, kind, none{}))
		}
	}
	require.Eventually(t, func() bool {
		n := 0
		for _, g := range pool.Environment().WaitingByKind() {
			n += g.N
		}
		return n == kinds*(kinds+1)/2
	}, time.Minute, time.Millisecond)
	i := inspect.New(inspect.WithExecutor("main", pool))
	d := decode(t, get(t, i, "json").Body.Bytes())
	require.Len(t, d.Kinds, 100)
	require.GreaterOrEqual(t, d.MoreKinds, kinds-100)
	e := d.Executors[0]
	require.Equal(t, kinds*(kinds+1)/2, e.Waiting, "the sum over all groups, not only over those that are shown")
	require.Len(t, e.Groups, 50)
	require.Equal(t, kinds, e.Groups[0].N, "the largest first")
	require.Equal(t, kinds-50, e.MoreGroups)
	require.LessOrEqual(t, e.ChainsOf, 4096)
	require.Greater(t, e.ChainsOf, 3000)
	require.Len(t, e.Chains, 50)
	require.Len(t, e.Pool.Workers, 64)
	require.Equal(t, 6, e.Pool.MoreWorkers)
	body := get(t, i, "").Body.String()
	require.Contains(t, body, "and 80 more")
	require.Contains(t, body, fmt.Sprintf("of %d,%d chosen by chance from all groups", e.ChainsOf/1000, e.ChainsOf%1000))
}

func TestMapOfManySlabs(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	c := a.NewCache()
	size := uintptr(64<<10) - 16
	n := 32 * 100
	for range n {
		p := c.Allocate(size)
		require.NotNil(t, p)
		defer func() {
			c.Deallocate(p, size)
			if n--; n == 0 {
				c.Close()
				require.NoError(t, a.Close())
			}
		}()
	}
	i := inspect.New(inspect.WithArena("big", a))
	d := decode(t, get(t, i, "json").Body.Bytes())
	require.Len(t, d.Arenas[0].Map, 1)
	row := d.Arenas[0].Map[0]
	require.Equal(t, 64<<10, row.FrameSize)
	require.Len(t, row.Slabs, 96)
	require.Equal(t, 4, row.MoreSlabs)
	require.Equal(t, strings.Repeat("4", 32), row.Slabs[0].Map, "a cell a frame")
	require.Contains(t, get(t, i, "").Body.String(), "and 4 more")
}

func TestNamesOfArenas(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	own := executor.NewInline()
	first, second := executor.NewInline(executor.WithArena(a)), executor.NewInline(executor.WithArena(a))
	for name, c := range map[string]struct {
		opts  []inspect.Option
		names []string
	}{
		"none":            {nil, nil},
		"of an executor":  {[]inspect.Option{inspect.WithExecutor("own", own)}, []string{"own"}},
		"shared":          {[]inspect.Option{inspect.WithExecutor("first", first), inspect.WithExecutor("second", second)}, []string{"first"}},
		"renamed":         {[]inspect.Option{inspect.WithExecutor("first", first), inspect.WithArena("frames", a)}, []string{"frames"}},
		"named before":    {[]inspect.Option{inspect.WithArena("frames", a), inspect.WithExecutor("first", first)}, []string{"frames"}},
		"several of them": {[]inspect.Option{inspect.WithArena("frames", a), inspect.WithExecutor("own", own)}, []string{"frames", "own"}},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			for _, x := range decode(t, get(t, inspect.New(c.opts...), "json").Body.Bytes()).Arenas {
				names = append(names, x.Name)
			}
			require.Equal(t, c.names, names)
		})
	}
	require.PanicsWithValue(t, `inspect: two executors are called "x": give each a name of its own`, func() {
		inspect.New(inspect.WithExecutor("x", own), inspect.WithExecutor("x", first))
	})
	require.PanicsWithValue(t, `inspect: two arenas are called "x": give each a name of its own`, func() {
		inspect.New(inspect.WithExecutor("x", own), inspect.WithArena("x", a))
	})
	require.PanicsWithValue(t, "inspect: New was called with a nil Option: leave it out", func() { inspect.New(nil) })
	for _, ex := range []*executor.Inline{own, first, second} {
		require.NoError(t, ex.Close())
	}
	require.NoError(t, a.Close())
	d := decode(t, get(t, inspect.New(inspect.WithExecutor("own", own)), "json").Body.Bytes())
	require.Zero(t, d.Arenas[0].Total, "closed")
}

func TestWhatIsInspected(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	first, second := executor.NewInline(), executor.NewInline(executor.WithArena(a))
	i := inspect.New(inspect.WithExecutor("first", first), inspect.WithArena("frames", a), inspect.WithExecutor("second", second))
	require.Equal(t, map[string]coro.Executor{"first": first, "second": second}, maps.Collect(i.Executors()))
	require.Equal(t, map[string]*arena.Arena{"first": first.Arena(), "frames": a}, maps.Collect(i.Arenas()))
	for name := range i.Executors() {
		require.Equal(t, "first", name)
		break
	}
	for name := range i.Arenas() {
		require.Equal(t, "first", name)
		break
	}
	require.NoError(t, first.Close())
	require.NoError(t, second.Close())
	require.NoError(t, a.Close())
}

func TestString(t *testing.T) {
	pool := sleepingPool(t, 5)
	var v expvar.Var = inspect.New(inspect.WithExecutor("main", pool))
	d := decode(t, []byte(v.String()))
	require.Equal(t, 5, d.Executors[0].Waiting)
	require.NotNil(t, d.Executors[0].Pool)
	require.Equal(t, 10, d.Arenas[0].Total.Live)
	require.Empty(t, d.Executors[0].Chains)
	require.Empty(t, d.Arenas[0].Map)
}

func TestProfile(t *testing.T) {
	pool := sleepingPool(t, 7, executor.WithFrameProfile())
	w := get(t, inspect.New(inspect.WithExecutor("main", pool)), "profile")
	require.Equal(t, `attachment; filename="frames.pb.gz"`, w.Header().Get("Content-Disposition"))
	file := filepath.Join(t.TempDir(), "frames.pb.gz")
	require.NoError(t, os.WriteFile(file, w.Body.Bytes(), 0o600))
	top, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", file).Output()
	require.NoError(t, err)
	require.Regexp(t, `7 50.00% +\d+.*% +7 50.00% +sleeper`, string(top))
	require.Regexp(t, `7 50.00% +\d+.*% +14 +100% +parent +sleepers`, string(top), "pprof removes <of>, as if it were a C++ template argument")
}

// stuckWriter is a connection whose client does not read.
type stuckWriter struct {
	*httptest.ResponseRecorder
	stuck, goOn chan struct{}
}

func (w stuckWriter) Write(p []byte) (int, error) {
	close(w.stuck)
	<-w.goOn
	return w.ResponseRecorder.Write(p)
}

func TestASlowReaderHoldsNoLock(t *testing.T) {
	pool := sleepingPool(t, 5)
	i := inspect.New(inspect.WithExecutor("main", pool))
	w := stuckWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	var slow sync.WaitGroup
	slow.Go(func() { i.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/", nil)) })
	<-w.stuck
	get(t, i, "")
	_, err := coro.Run(t.Context(), pool, ended.With(none{}))
	require.NoError(t, err)
	pool.Arena().Trim(0)
	close(w.goOn)
	slow.Wait()
	require.Contains(t, w.Body.String(), "</html>")
}

// Tasks and workers run while requests are answered.
func TestUnderLoad(t *testing.T) {
	busy := coro.Define("busy", func(f *coro.Frame[int, none]) coro.Step {
		if f.State++; f.State == 50 {
			return f.Return(none{})
		}
		if f.State%2 == 0 {
			return coro.Yield(f, 0)
		}
		return coro.Sleep(f, 0, time.Microsecond)
	})
	pool := sleepingPool(t, 10, executor.WithFrameProfile(), executor.WithWorkers(4))
	server := httptest.NewServer(inspect.New(inspect.WithExecutor("main", pool)))
	defer server.Close()
	stop := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var runs sync.WaitGroup
			for range 50 {
				runs.Go(func() {
					if _, err := coro.Run(t.Context(), pool, busy.With(0)); err != nil {
						t.Error(err)
					}
				})
			}
			runs.Wait()
		}
	})
	var readers sync.WaitGroup
	for _, path := range []string{"/", "/json", "/?refresh=2", "/profile"} {
		readers.Go(func() {
			for range 30 {
				answer, err := server.Client().Get(server.URL + path)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, answer.Body)
				if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
					t.Error(answer.Status, err)
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	all.Wait()
}
