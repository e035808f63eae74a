package coro_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
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
