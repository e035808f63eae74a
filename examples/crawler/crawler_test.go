package main

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// clock is a coro.Clock whose time passes only in calls of advance. Any goroutine may use it.
type clock struct {
	mu     sync.Mutex // guards the fields below
	now    time.Duration
	alarms []*alarm
}

type alarm struct {
	clock *clock
	call  func()
	at    time.Duration // guarded by clock.mu
	set   bool          // guarded by clock.mu
}

// Exact makes timers go off exactly at their time.
func (c *clock) Exact() bool { return true }

func (c *clock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) NewAlarm(f func()) coro.Alarm {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{clock: c, call: f}
	c.alarms = append(c.alarms, a)
	return a
}

func (a *alarm) Reset(d time.Duration) bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.at, a.set = a.clock.now+d, true
	if d <= 0 {
		a.set = false
		go a.call()
	}
	return was
}

func (a *alarm) Stop() bool {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	was := a.set
	a.set = false
	return was
}

// advance lets d pass. It calls the alarms that are due, and then returns.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.now += d
	var due []*alarm
	for _, a := range c.alarms {
		if a.set && a.at <= c.now {
			a.set = false
			due = append(due, a)
		}
	}
	c.mu.Unlock()
	for _, a := range due {
		a.call()
	}
}

// serve starts the site's servers.
func (s *site) serve(t *testing.T) {
	for i := range s.hosts {
		server := httptest.NewServer(s.handler(i))
		s.hosts[i].base = server.URL
		t.Cleanup(server.Close)
	}
}

// patient are the options of a crawler with a test's clock.
var patient = options{perHost: 3, attempts: 3, timeout: time.Hour, backoff: time.Second}

// waiting returns the number of tasks that wait in the given operation of coro.
func waiting(pool *executor.Pool, what string) (n int) {
	for _, group := range pool.Environment().WaitingByKind() {
		if group.What == what {
			n += group.N
		}
	}
	return n
}

// form is a form of the crawler.
type form struct {
	crawl func(*Crawler, context.Context, coro.Executor, string) (map[string]Page, error)
	start func(ex coro.Executor, first visited) (wait func(context.Context) error, err error)
}

// inBothForms runs a test with tasks and with plain Go, none of which must run uncompiled.
func inBothForms(t *testing.T, test func(t *testing.T, as form)) {
	t.Run("tasks", func(t *testing.T) {
		test(t, form{(*Crawler).Crawl, func(ex coro.Executor, first visited) (func(context.Context) error, error) {
			h, err := coro.Start(ex, visit.With(visiting{}, first))
			return func(ctx context.Context) error { _, err := h.Wait(ctx); return err }, err
		}})
	})
	t.Run("plain", func(t *testing.T) {
		test(t, form{(*Crawler).CrawlPlain, func(ex coro.Executor, first visited) (func(context.Context) error, error) {
			h, err := task.Start(ex, task.Do1(explore, &first))
			return func(ctx context.Context) error { _, err := h.WaitContext(ctx); return err }, err
		}})
		require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	})
}

func eventually(t *testing.T, condition func() bool) {
	t.Helper()
	require.Eventually(t, condition, time.Minute, time.Millisecond)
}

func TestTheCrawlFindsTheGraph(t *testing.T) { inBothForms(t, testTheCrawlFindsTheGraph) }

func testTheCrawlFindsTheGraph(t *testing.T, as form) {
	for _, hosts := range []int{1, 3} {
		s := newSite(300, hosts, 0)
		for i := range s.pages {
			if p := &s.pages[i]; p.trouble.status == 0 {
				p.trouble = trouble{} // no time passes in this test, so these pages would never answer
			}
		}
		s.serve(t)
		o := patient
		o.backoff = 0
		crawler := s.crawler(o)
		pool := executor.NewPool(executor.WithClock(new(clock)))
		pages, err := as.crawl(crawler, t.Context(), pool, s.address(0))
		require.NoError(t, err)
		want := s.graph(o.attempts)
		require.Len(t, want, 300)
		require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(pages)))
		for address := range want {
			require.Equal(t, want[address], pages[address], address)
		}
		require.True(t, same(pages, want))
		for i := range s.pages { // no page was requested more often than necessary
			require.EqualValues(t, want[s.address(i)].Attempts, s.pages[i].requests.Load())
		}
		for i := range s.hosts {
			require.LessOrEqual(t, s.hosts[i].peak.Load(), o.perHost)
		}
		require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
		crawler.Client.CloseIdleConnections()
	}
}

// Each attempt comes at its time, and none comes after the last one.
func TestRetries(t *testing.T) { inBothForms(t, testRetries) }

func testRetries(t *testing.T, as form) {
	tests := []struct {
		name    string
		trouble trouble
		want    int // attempts
		err     error
	}{
		{"success at once", trouble{}, 1, nil},
		{"success at the second attempt", trouble{503, 1}, 2, nil},
		{"success at the last attempt", trouble{500, 2}, 3, nil},
		{"no success", trouble{502, always}, 3, statusError(502)},
		{"no use in trying again", trouble{404, always}, 1, statusError(404)},
		{"no answer once", trouble{0, 1}, 2, nil},
		{"no answer", trouble{0, always}, 3, context.DeadlineExceeded},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(1, 1, 0)
			s.pages[0].trouble = test.trouble
			s.serve(t)
			crawler := s.crawler(patient)
			defer crawler.Client.CloseIdleConnections()
			clock := new(clock)
			pool := executor.NewPool(executor.WithClock(clock))

			var pages map[string]Page
			done := make(chan error, 1)
			go func() {
				var err error
				pages, err = as.crawl(crawler, context.Background(), pool, s.address(0))
				done <- err
			}()
			for attempt := int64(1); ; attempt++ {
				eventually(t, func() bool { return s.pages[0].requests.Load() == attempt })
				if test.trouble.status == 0 && attempt <= int64(test.trouble.times) {
					clock.advance(patient.timeout)
				}
				if attempt == int64(test.want) {
					break
				}
				eventually(t, func() bool { return waiting(pool, "Sleep") == 1 })
				backoff := patient.backoff << (attempt - 1)
				clock.advance(backoff - 1)
				require.Equal(t, 1, waiting(pool, "Sleep"))
				require.Equal(t, attempt, s.pages[0].requests.Load())
				clock.advance(1)
			}
			require.NoError(t, <-done)
			require.Len(t, pages, 1)
			page := pages[s.address(0)]
			require.Equal(t, test.want, page.Attempts)
			require.ErrorIs(t, page.Err, test.err)
			require.EqualValues(t, test.want, s.pages[0].requests.Load())
			require.NoError(t, pool.Close())
		})
	}
}

// stuck returns a site on which only the first page answers.
func stuck(t *testing.T) *site {
	s := newSite(200, 2, 0)
	s.pages[0].links = nil
	for i := range s.pages[1:] {
		s.pages[0].links = append(s.pages[0].links, i+1)
		s.pages[i+1].trouble = trouble{times: always}
	}
	s.serve(t)
	return s
}

// waitUntilStuck waits until all tasks of a crawl of a stuck site wait: as many as may in
// requests, and the others for permits.
func waitUntilStuck(t *testing.T, s *site, pool *executor.Pool) {
	eventually(t, func() bool {
		return s.hosts[0].now.Load() == patient.perHost && s.hosts[1].now.Load() == patient.perHost
	})
	eventually(t, func() bool { return waiting(pool, "Semaphore.Acquire") == len(s.pages)-1-2*int(patient.perHost) })
	require.Equal(t, 2*int(patient.perHost), waiting(pool, "Blocking"))
}

func TestCancelMidway(t *testing.T) { inBothForms(t, testCancelMidway) }

func testCancelMidway(t *testing.T, as form) {
	s := stuck(t)
	crawler := s.crawler(patient)
	pool := executor.NewPool()
	ctx, cancel := context.WithCancelCause(t.Context())
	errEnough := errors.New("that is enough")
	var pages map[string]Page
	done := make(chan error, 1)
	go func() {
		var err error
		pages, err = as.crawl(crawler, ctx, pool, s.address(0))
		done <- err
	}()
	waitUntilStuck(t, s, pool)
	cancel(errEnough)
	require.ErrorIs(t, <-done, errEnough)
	require.Equal(t, []string{s.address(0)}, slices.Collect(maps.Keys(pages)))
	require.Equal(t, patient.perHost, s.hosts[0].peak.Load())
	require.Equal(t, patient.perHost, s.hosts[1].peak.Load())
	// The caller goes on when the root has ended, and its frame is freed after that.
	require.Eventually(t, func() bool { return pool.Environment().Live() == 0 }, 10*time.Second, time.Millisecond)
	require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
}

func TestADeadlineForAll(t *testing.T) { inBothForms(t, testADeadlineForAll) }

func testADeadlineForAll(t *testing.T, as form) {
	s := stuck(t)
	pool := executor.NewPool()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := as.crawl(s.crawler(patient), ctx, pool, s.address(0))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, pool.Close())
}

// Tasks give their permits back even when the executor is closed.
func TestCloseMidway(t *testing.T) { inBothForms(t, testCloseMidway) }

func testCloseMidway(t *testing.T, as form) {
	s := stuck(t)
	all := s.crawler(patient).begin()
	pool := executor.NewPool()
	u, err := url.Parse(s.address(0))
	require.NoError(t, err)
	first, ok := all.claim(u)
	require.True(t, ok)
	wait, err := as.start(pool, first)
	require.NoError(t, err)
	waitUntilStuck(t, s, pool)
	require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
	require.ErrorIs(t, wait(t.Context()), executor.ErrClosed)
	require.Len(t, all.hosts, 2)
	for _, host := range all.hosts {
		require.True(t, host.TryAcquire(patient.perHost))
	}
}

// A panic in the task of one page becomes the error of the crawl.
func TestAPanic(t *testing.T) { inBothForms(t, testAPanic) }

func testAPanic(t *testing.T, as form) {
	s := newSite(7, 1, 0)
	s.serve(t)
	crawler := s.crawler(patient)
	defer crawler.Client.CloseIdleConnections()
	crawler.Allow = func(u *url.URL) bool {
		switch u.String() {
		case elsewhere:
			panic("elsewhere")
		case s.address(1):
			return false
		}
		return true
	}
	pool := executor.NewPool()
	pages, err := as.crawl(crawler, t.Context(), pool, s.address(0))
	var panicked *coro.PanicError
	require.ErrorAs(t, err, &panicked)
	require.Equal(t, "elsewhere", panicked.Value)
	require.NotContains(t, pages, s.address(1))
	require.NoError(t, pool.Close())
}

func TestTheCommand(t *testing.T) {
	o := patient
	o.pages, o.hosts, o.backoff, o.deadline = 11, 2, time.Millisecond, time.Minute
	for _, o.as = range []string{asPlain, asTasks} {
		var out bytes.Buffer
		require.NoError(t, run(t.Context(), o, &out))
		require.Contains(t, out.String(), "Visited 11 of 11 pages in ")
		require.Contains(t, out.String(), "   8 pages answered at attempt 1\n   1 pages answered at attempt 2\n")
		require.Contains(t, out.String(), "   1 pages failed: 404 Not Found\n   1 pages failed: 502 Bad Gateway\n")
		require.Contains(t, out.String(), "These are all pages")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, o, &out), context.Canceled)
	o.pages = 0
	require.Error(t, run(t.Context(), o, &out))
	o.pages, o.as = 11, "threads"
	require.EqualError(t, run(t.Context(), o, &out), `-as must be "tasks" or "plain", not "threads"`)
}
