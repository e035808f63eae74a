package executor_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/refusal"
)

// refusals refuses some of the requests for memory, which it counts.
type refusals struct {
	first, last int64 // of the requests to refuse, from 1 on
	requests    atomic.Int64
	refused     atomic.Int64
}

func (r *refusals) refuse(uintptr) bool {
	n := r.requests.Add(1)
	if n < r.first || n > r.last {
		return false
	}
	r.refused.Add(1)
	return true
}

// refusing is an allocator with refusals.
type refusing struct {
	next arena.FrameAllocator
	*refusals
}

func (m refusing) Allocate(size uintptr) unsafe.Pointer {
	if m.refuse(size) {
		return nil
	}
	return m.next.Allocate(size)
}

func (m refusing) Deallocate(p unsafe.Pointer, size uintptr) { m.next.Deallocate(p, size) }

// patterns are which requests are refused when it is n's turn.
var patterns = []struct {
	name string
	at   func(n int64) *refusals
}{
	{"only", func(n int64) *refusals { return &refusals{first: n, last: n} }},
	{"from", func(n int64) *refusals { return &refusals{first: n, last: 1 << 62} }},
	{"ten from", func(n int64) *refusals { return &refusals{first: n, last: n + 9} }},
}

// everyRefusal calls f for each n and each pattern, until no request is refused any more.
// Each is the name of what f is doing.
func everyRefusal(t *testing.T, f func(t *testing.T, each string, r *refusals)) {
	for _, p := range patterns {
		for n := int64(1); ; n += stride(n) {
			r := p.at(n)
			f(t, fmt.Sprintf("%s request %d", p.name, n), r)
			if t.Failed() {
				t.Fatalf("%s request %d was refused", p.name, n)
			}
			if r.refused.Load() == 0 {
				t.Logf("%s: %d requests", p.name, n)
				break
			}
		}
	}
}

// stride returns the distance from place n to the next place that is tried, where there are too
// many to try all.
func stride(n int64) int64 {
	if scaled(10) == 10 {
		return 1
	}
	return 1 + n%7
}

func exhausted(err error) bool { return errors.Is(err, arena.ErrExhausted) }

// requireOutcome looks whether the load ended as it should: each offload succeeded, or failed
// as it may, or there was no memory for its root.
func (m *mixed) requireOutcome(each string, got outcome, err error) {
	m.t.Helper()
	if err != nil {
		require.True(m.t, m.allowed(err), "%s: %v", each, err)
		require.Equal(m.t, outcome{}, got)
		return
	}
	require.Equal(m.t, len(m.errands), got.succeeded+got.failed, each)
}

// requireUsable looks whether the load succeeds, now that nothing is broken.
func (m *mixed) requireUsable(each string) {
	m.t.Helper()
	got, err := m.run(context.Background())
	require.NoError(m.t, err, each)
	require.Equal(m.t, outcome{succeeded: len(m.errands)}, got, each)
}

// One request to the executor's arena after the other is refused: for roots, children, the
// timers of sleeping tasks, and what Selects wait with. The one that asked gets the error, the
// rest of the load runs on, and afterwards there is memory for all of it.
func TestEveryRequestOfTheArenaRefused(t *testing.T) {
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			a := newArena(t, arena.WithChecks(4096))
			ex := kind.make(executor.WithArena(a))
			m := newMixed(t, ex)
			m.allowed = exhausted
			everyRefusal(t, func(t *testing.T, each string, r *refusals) {
				undo := refusal.Set(r.refuse)
				got, err := m.run(context.Background())
				undo()
				m.requireOutcome(each, got, err)
				if r.refused.Load() == 0 {
					require.Zero(t, got.failed, each)
				}
			})
			m.requireUsable("at last")
			require.NoError(t, a.Validate())
			require.NoError(t, ex.Drain(context.Background()))
			require.NoError(t, ex.Close())
			m.requireNothingLeft()
		})
	}
}

// The same with the allocator of the whole tree.
func TestEveryRequestOfATreeRefused(t *testing.T) {
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			ex := kind.make(executor.WithArena(newArena(t)))
			m := newMixed(t, ex)
			m.allowed = exhausted
			everyRefusal(t, func(t *testing.T, each string, r *refusals) {
				counting := arena.NewCounting(refusing{ex.Arena(), r})
				h, err := coro.Start(ex, m.root.With(rooting{}, withMixed{m}), coro.Allocator(counting))
				if err != nil {
					m.requireOutcome(each, outcome{}, err)
				} else {
					got, err := h.Wait(context.Background())
					m.requireOutcome(each, got, err)
				}
				s := counting.Stats()
				require.Equal(t, s.Allocated, s.Deallocated, each)
				require.Zero(t, s.Bytes, each)
			})
			m.requireUsable("at last")
			require.NoError(t, ex.Drain(context.Background()))
			require.NoError(t, ex.Close())
			m.requireNothingLeft()
		})
	}
}

// An executor that is closed while memory is short leaves nothing either.
func TestCloseWhileMemoryIsShort(t *testing.T) {
	for _, kind := range faulty {
		t.Run(kind.name, func(t *testing.T) {
			a := newArena(t, arena.WithChecks(4096))
			open := func() drainer {
				return kind.make(executor.WithArena(a), executor.WithErrorHandler(func(error) {}))
			}
			ex := open()
			m := newMixed(t, ex)
			require.NoError(t, ex.Close())
			for n := int64(1); n < 60; n += stride(n) {
				m.use(open())
				m.allowed = func(err error) bool { return exhausted(err) || errors.Is(err, executor.ErrClosed) }
				r := &refusals{first: n, last: n + 20}
				begun := make(chan none)
				m.atStep = func(step int64) {
					if step == 2*n {
						close(begun)
					}
				}
				done := make(chan none)
				undo := refusal.Set(r.refuse)
				go func() {
					defer close(done)
					got, err := m.run(context.Background())
					if err != nil && !m.allowed(err) {
						t.Errorf("%v, %v", got, err)
					}
				}()
				select {
				case <-begun:
				case <-done:
				}
				require.NoError(t, m.ex.Close())
				<-done
				undo()
				m.requireNothingLeft()
			}
		})
	}
}
