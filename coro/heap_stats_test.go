package coro_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/slots"
)

// The memory of held parts counts for their kind, and stays when the tasks have ended.
func TestHeapStatistics(t *testing.T) {
	type large [5000]byte
	ex := newManual(t, func(error) {})
	var event, never coro.Event
	k := coro.DefineHeld("holds much", func(f *coro.Frame[none, none], _ *large) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(none{})
	})
	mine := func() coro.HeapUse {
		s := coro.HeapStatistics()
		var sum coro.HeapUse
		for _, h := range s.HeldByKind {
			sum.Slots += h.Slots
			sum.Bytes += h.Bytes
		}
		require.Equal(t, s.Held, sum)
		for _, h := range s.HeldByKind {
			if h.Kind == k.Info() {
				return h.HeapUse
			}
		}
		return coro.HeapUse{}
	}
	require.Zero(t, mine())
	for range 100 {
		require.NoError(t, coro.GoHeld(ex, k, none{}, large{}))
	}
	ex.runAll()
	use := mine()
	require.GreaterOrEqual(t, use.Slots, 100)
	require.Less(t, use.Slots, 200)
	require.Equal(t, uint64(use.Slots)*uint64(unsafe.Sizeof(slots.Slot[large]{})), use.Bytes)
	event.Set()
	ex.runAll()
	require.Equal(t, use, mine())

	records := coro.HeapStatistics().Records
	require.NoError(t, coro.RunAsync(ex, coro.Context(t.Context()))(coro.Define("groups", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, waiter("waits", never.Wait).With(0), nil, coro.Shield())
		}
		return f.Return(none{})
	}).With(none{})))
	ex.runAll()
	require.GreaterOrEqual(t, coro.HeapStatistics().Records.Slots, max(1, records.Slots))
	ex.env.CancelWaiting(errCause)
	require.Zero(t, liveIn(ex.arena))
}

// After a burst nothing is left of what tasks had beside their frames.
func TestTrimHeap(t *testing.T) {
	ex := newInline(t, executor.WithErrorHandler(func(error) {}))
	var event coro.Event
	child := waiter("child", event.Wait)
	held := coro.DefineHeld("holds", func(f *coro.Frame[int, none], h *[100]string) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, child.With(1), nil, coro.Timeout(time.Hour))
		}
		return f.Return(none{})
	})
	coro.TrimHeap()
	before := coro.HeapStatistics()
	const n = 5000
	for range n {
		require.NoError(t, coro.RunAsync(ex, coro.OnResult(func(none) {}))(held.With(0, [100]string{})))
	}
	burst := coro.HeapStatistics()
	require.Greater(t, burst.Held.Slots-before.Held.Slots, n-64)
	require.Greater(t, burst.Records.Slots-before.Records.Slots, n)
	event.Set()
	coro.TrimHeap()
	after := coro.HeapStatistics()
	require.Less(t, after.Held.Slots-before.Held.Slots, n/10)
	require.Less(t, after.Records.Slots-before.Records.Slots, n/10)
}
