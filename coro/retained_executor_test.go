package coro_test

import (
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// lingering is the state of a task that waits in a Select twice: until some time has passed,
// and for ever.
type lingering struct{ chosen int }

type withEvent struct{ event *coro.Event }

var kindLingering = coro.DefineHeld("lingering", func(f *coro.Frame[lingering, none], h *withEvent) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		return coro.Select(f, 1, &s.chosen, coro.After(time.Microsecond))
	case 1:
		return coro.Select(f, 2, &s.chosen, h.event.WaitCase(), coro.After(time.Hour))
	case coro.Cleanup: // it would wait once more
		return coro.Select(f, 3, &s.chosen, h.event.WaitCase(), coro.After(time.Hour))
	}
	return f.Fail(f.Err())
}, coro.HasCleanup())

// What tasks have waited for may live on, as the slots of After do. It does not keep from the
// collector what else tasks of an executor have waited for that is closed.
func TestClosedExecutorIsNotRetained(t *testing.T) {
	type server struct {
		pool  *executor.Pool
		event coro.Event // so whoever refers to it refers to the server
	}
	var servers []weak.Pointer[server]
	for range 20 {
		s := &server{pool: executor.NewPool(executor.WithWorkers(2), executor.WithErrorHandler(func(error) {}))}
		servers = append(servers, weak.Make(s))
		for range 20 {
			require.NoError(t, coro.GoHeld(s.pool, kindLingering, lingering{}, withEvent{&s.event}))
		}
		for waiting := 0; waiting < 20; runtime.Gosched() {
			waiting = 0
			for _, g := range s.pool.Environment().WaitingByKind() {
				waiting += g.N
			}
		}
		require.NoError(t, s.pool.Close())
	}
	require.Eventually(t, func() bool { // an alarm that goes off may still know of the last
		runtime.GC()
		for _, p := range servers {
			if p.Value() != nil {
				return false
			}
		}
		return true
	}, 10*time.Second, 10*time.Millisecond)
}
