package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// budgets are as small as possible: an arena needs a slab of 2 MiB for each size class, and in plain Go a
// literal has a frame beside that of the function that it calls.
var budgets = map[string]uintptr{memoryShared: 1 << 20, memoryOwn: 4 << 20}

func newTestService(t *testing.T, memory string, plain bool) *service {
	budget := budgets[memory]
	s, err := newService([]string{"ada", "bob", "greedy"}, budget, memory, plain)
	require.NoError(t, err)
	return s
}

// inBothForms runs a test with tasks and with plain Go, none of which must run uncompiled.
func inBothForms(t *testing.T, test func(t *testing.T, plain bool)) {
	t.Run("tasks", func(t *testing.T) { test(t, false) })
	t.Run("plain", func(t *testing.T) {
		test(t, true)
		require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	})
}

// atRest checks that no tenant has a live frame. In plain Go, a request that has run out of memory may
// have had none for the wait for its children either: it has cancelled them, and they end after it.
func atRest(t *testing.T, s *service) {
	t.Helper()
	for name, tenant := range s.tenants {
		for s.plain && tenant.memory.Stats().Bytes > 0 {
			time.Sleep(time.Millisecond)
		}
		stats := tenant.memory.Stats()
		require.Zero(t, stats.Bytes, name)
		require.Equal(t, stats.Allocated, stats.Deallocated, name)
	}
}

func triangular(n int64) int64 { return n * (n + 1) / 2 }

func TestSums(t *testing.T) { inBothForms(t, testSums) }

func testSums(t *testing.T, plain bool) {
	s := newTestService(t, memoryShared, plain)
	for _, n := range []int64{0, 1, 2, 3, 10, 1000} {
		got, err := s.Sum(t.Context(), "ada", n, 0)
		require.NoError(t, err)
		require.Equal(t, triangular(n), got)
	}
	_, err := s.Sum(t.Context(), "nobody", 1, 0)
	require.ErrorIs(t, err, errNoTenant)
	atRest(t, s)
	require.NoError(t, s.Close()) // an arena.ErrLeak if a frame were live
}

func TestOneTenantRunsOut(t *testing.T) { inBothForms(t, testOneTenantRunsOut) }

func testOneTenantRunsOut(t *testing.T, plain bool) {
	for _, memory := range []string{memoryShared, memoryOwn} {
		t.Run(memory, func(t *testing.T) {
			s := newTestService(t, memory, plain)
			ctx := t.Context()
			var modest, greedy sync.WaitGroup
			enough := make(chan struct{})
			refused := 0
			greedy.Go(func() {
				for {
					// No item arrives within an hour, so all tasks must be live at once.
					_, err := s.Sum(ctx, "greedy", 100_000, time.Hour)
					if !errors.Is(err, arena.ErrExhausted) {
						t.Errorf("the greedy tenant's error is %v", err)
						return
					}
					refused++
					select {
					case <-enough:
						return
					default:
					}
				}
			})
			requests := 100
			if testing.Short() {
				requests = 5
			}
			for _, name := range []string{"ada", "bob"} {
				modest.Go(func() {
					for i := range int64(requests) {
						n := 100 + i%10
						got, err := s.Sum(ctx, name, n, time.Millisecond)
						if err != nil || got != triangular(n) {
							t.Errorf("%s got %d, %v for %d", name, got, err, n)
						}
					}
				})
			}
			modest.Wait()
			close(enough)
			greedy.Wait()
			require.Positive(t, refused)
			require.Positive(t, s.tenants["greedy"].memory.Stats().Refused)
			require.Zero(t, s.tenants["ada"].memory.Stats().Refused)
			require.Zero(t, s.tenants["bob"].memory.Stats().Refused)

			atRest(t, s)
			got, err := s.Sum(ctx, "greedy", 500, 0) // the memory is free again
			require.NoError(t, err)
			require.Equal(t, triangular(500), got)
			atRest(t, s)
			require.NoError(t, s.Close()) // an arena.ErrLeak if a frame were live
		})
	}
}

// A tenant can use its whole budget, and no more.
func TestTheBudgetIsExact(t *testing.T) { inBothForms(t, testTheBudgetIsExact) }

func testTheBudgetIsExact(t *testing.T, plain bool) {
	s := newTestService(t, memoryShared, plain)
	_, err := s.Sum(t.Context(), "greedy", 10_000, time.Hour)
	require.ErrorIs(t, err, arena.ErrExhausted)
	peak := s.tenants["greedy"].memory.Stats().PeakBytes
	require.LessOrEqual(t, peak, int64(budgets[memoryShared]))
	require.Greater(t, peak, int64(budgets[memoryShared])/4) // frames are rounded up, to less than twice their size here
	require.NoError(t, s.Close())
}

func TestTheClientGoes(t *testing.T) { inBothForms(t, testTheClientGoes) }

func testTheClientGoes(t *testing.T, plain bool) {
	s := newTestService(t, memoryOwn, plain)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Sum(ctx, "ada", 100, time.Hour)
		done <- err
	}()
	require.Eventually(t, func() bool { return s.tenants["ada"].memory.Stats().Allocated >= 199 }, time.Minute, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	atRest(t, s)
	require.NoError(t, s.Close())
}

func TestCloseWithRequestsUnderWay(t *testing.T) { inBothForms(t, testCloseWithRequestsUnderWay) }

func testCloseWithRequestsUnderWay(t *testing.T, plain bool) {
	for _, memory := range []string{memoryShared, memoryOwn} {
		s := newTestService(t, memory, plain)
		done := make(chan error)
		go func() {
			_, err := s.Sum(t.Context(), "ada", 100, time.Hour)
			done <- err
		}()
		require.Eventually(t, func() bool { return s.tenants["ada"].memory.Stats().Allocated >= 199 }, time.Minute, time.Millisecond)
		require.NoError(t, s.Close()) // an arena.ErrLeak if a frame were live
		require.ErrorIs(t, <-done, executor.ErrClosed)
		atRest(t, s)
	}
}

func TestHTTP(t *testing.T) { inBothForms(t, testHTTP) }

func testHTTP(t *testing.T, plain bool) {
	s := newTestService(t, memoryShared, plain)
	server := httptest.NewServer(s.Handler())
	tests := []struct {
		path   string
		status int
		body   string
	}{
		{"/ada/sum?n=10&takes=1ms", http.StatusOK, "55\n"},
		{"/greedy/sum?n=10000&takes=1h", http.StatusInsufficientStorage, "this request needs more memory than the tenant's budget\n"},
		{"/bob/sum?n=100&takes=0s", http.StatusOK, "5050\n"},
		{"/nobody/sum?n=10&takes=1ms", http.StatusNotFound, "there is no such tenant: \"nobody\"\n"},
		{"/ada/sum?n=-1&takes=1ms", http.StatusBadRequest, "n is the number of items\n"},
		{"/ada/sum?n=1", http.StatusBadRequest, "takes is the time that an item takes, such as 5ms\n"},
	}
	for _, test := range tests {
		resp, err := http.Get(server.URL + test.path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, test.status, resp.StatusCode, test.path)
		require.Equal(t, test.body, string(body), test.path)
	}
	require.NoError(t, s.Close())
	resp, err := http.Get(server.URL + "/ada/sum?n=10&takes=1ms")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	server.Close()
}

func TestTheCommand(t *testing.T) {
	o := options{budget: 256 << 10, memory: memoryShared, as: asTasks, requests: 10, modest: 100, greedy: 10_000, takes: time.Millisecond}
	for _, o.as = range []string{asTasks, asPlain} {
		var out bytes.Buffer
		require.NoError(t, run(o, &out))
		require.Regexp(t, `(?m)^ +ada +100 +10 +0 `, out.String())
		require.Regexp(t, `(?m)^ +bob +100 +10 +0 `, out.String())
		require.Regexp(t, `(?m)^ +greedy +10000 +0 +[1-9]`, out.String())
		require.Regexp(t, `(?m)^ +greedy +100 +1 +0 `, out.String())
	}

	out := new(bytes.Buffer)
	o.as = "threads"
	require.EqualError(t, run(o, out), `-as must be "tasks" or "plain", not "threads"`)
	o.as = asTasks
	o.memory = "none"
	require.Error(t, run(o, out))
	o.memory, o.budget = memoryOwn, 1000
	require.ErrorIs(t, run(o, out), arena.ErrInvalidOption)
}
