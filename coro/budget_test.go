package coro_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
)

// What a tree holds beside the frames of its own allocator has a bound for each waiting task:
// docs/memory.md has the same numbers.
func TestWhatABudgetDoesNotSee(t *testing.T) {
	if framecheck.Enabled {
		return // checked frames are larger
	}
	var event, other coro.Event
	tests := []struct {
		name    string
		timeout bool
		wait    operation
		arena   uint64 // bytes for each task, of the executor's arena
		records uint64 // bytes for each task, on the Go heap
	}{
		{"Event", false, event.Wait, 0, 0},
		{"Sleep", false, func(f coro.AnyFrame, at int) coro.Step { return coro.Sleep(f, at, time.Hour) }, 64, 0},
		{"After", false, func(f coro.AnyFrame, at int) coro.Step { return coro.Select(f, at, nil, coro.After(time.Hour)) }, 72, 0},
		{"Select of two", false, func(f coro.AnyFrame, at int) coro.Step {
			return coro.Select(f, at, nil, event.WaitCase(), other.WaitCase(), coro.After(time.Hour))
		}, 256, 0},
		{"Event in a Timeout", true, event.Wait, 0, 72},
		{"Select in a Timeout", true, func(f coro.AnyFrame, at int) coro.Step {
			return coro.Select(f, at, nil, event.WaitCase(), other.WaitCase())
		}, 256, 72},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const n = 2000
			event.Reset()
			other.Reset()
			ex := newInline(t, executor.WithErrorHandler(func(error) {}))
			budget := new(arena.Heap)
			child := waiter("child", tt.wait)
			k := child
			if tt.timeout {
				k = coro.Define("parent", func(f *coro.Frame[int, int]) coro.Step {
					if f.At() == 0 {
						return coro.AwaitCall(f, 1, child.With(1), &f.State, coro.Timeout(time.Hour))
					}
					return f.Return(0)
				})
			}
			coro.TrimHeap()
			before := coro.HeapStatistics().Records.Bytes
			for range n {
				require.NoError(t, coro.RunAsync(ex, coro.Allocator(budget))(k.With(1)))
			}
			require.Positive(t, budget.Live())
			require.LessOrEqual(t, liveBytes(ex.Arena().Stats()), n*tt.arena+8192)
			require.LessOrEqual(t, coro.HeapStatistics().Records.Bytes-before, n*tt.records+16384)
			event.Set()
			other.Set()
		})
	}
}

// liveBytes returns how much the live frames of an arena take, each with the size of its class.
func liveBytes(s arena.Stats) (bytes uint64) {
	for _, c := range s.Classes {
		bytes += uint64(c.Live) * uint64(c.Size)
	}
	return bytes + uint64(s.LargeBytes)
}
