package coro_test

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
)

// memory is what live frames and the Go heap take, in bytes.
type memory struct{ frames, heap, scanned int64 }

func memoryOf(ex *executor.Inline) memory {
	runtime.GC()
	runtime.GC() // what a sync.Pool has
	var m memory
	stats := ex.Arena().Stats()
	for _, c := range stats.Classes {
		m.frames += int64(c.Live) * int64(c.Size)
	}
	m.frames += int64(stats.LargeBytes)
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	m.heap = int64(heap.HeapAlloc)
	scan := []metrics.Sample{{Name: "/gc/scan/heap:bytes"}}
	metrics.Read(scan)
	m.scanned = int64(scan[0].Value.Uint64())
	return m
}

// waitingForm is a way to wait.
type waitingForm struct {
	name   string
	bytes  float64 // a bound for what a waiting task takes, with its frame
	launch func(ex coro.Executor, i int) error
}

const farAway = 1000 * time.Hour

// formOf returns a form whose tasks have a state of type S and wait by step.
func formOf[S any](name string, bytes float64, step func(f *coro.Frame[S, none], i int) coro.Step) waitingForm {
	var index int
	k := coro.Define("waiting: "+name, func(f *coro.Frame[S, none]) coro.Step {
		if f.At() == 0 {
			return step(f, index)
		}
		return f.Return(none{})
	})
	return waitingForm{name: name, bytes: bytes, launch: func(ex coro.Executor, i int) error {
		index = i
		var s S
		return coro.Go(ex, k, s)
	}}
}

// picks is a state of 16 bytes.
type picks struct{ chosen, got int }

const waitingTasks = 60_000

func waitingForms() []waitingForm {
	ch, other := coro.NewChan[int](0), coro.NewChan[int](0)
	var event coro.Event
	wakers := make([]coro.Waker, waitingTasks)
	return []waitingForm{
		formOf("Event", 129, func(f *coro.Frame[[16]byte, none], i int) coro.Step { return event.Wait(f, 1) }),
		formOf("Sleep", 129, func(f *coro.Frame[[16]byte, none], i int) coro.Step { return coro.Sleep(f, 1, farAway) }),
		formOf("Sleep with 80 bytes of state", 192, func(f *coro.Frame[[80]byte, none], i int) coro.Step { return coro.Sleep(f, 1, farAway) }),
		formOf("After alone", 176, func(f *coro.Frame[picks, none], i int) coro.Step {
			return coro.Select(f, 1, &f.State.chosen, coro.After(farAway))
		}),
		formOf("two Afters", 176, func(f *coro.Frame[picks, none], i int) coro.Step {
			return coro.Select(f, 1, &f.State.chosen, coro.After(farAway), coro.After(2*farAway))
		}),
		formOf("After alone with 80 bytes of state", 196, func(f *coro.Frame[[5]picks, none], i int) coro.Step {
			return coro.Select(f, 1, &f.State[0].chosen, coro.After(farAway))
		}),
		formOf("Select of three cases, two of them After", 257, func(f *coro.Frame[picks, none], i int) coro.Step {
			return coro.Select(f, 1, &f.State.chosen, coro.After(farAway), ch.RecvCase(&f.State.got), coro.After(2*farAway))
		}),
		formOf("Select of two", 385, func(f *coro.Frame[picks, none], i int) coro.Step {
			return coro.Select(f, 1, &f.State.chosen, ch.RecvCase(&f.State.got), other.RecvCase(&f.State.got))
		}),
		formOf("Waker", 144, func(f *coro.Frame[[16]byte, none], i int) coro.Step {
			wakers[i] = coro.NewWaker()
			return coro.Suspend(f, 1, wakers[i])
		}),
	}
}

// bytesOfWaiting returns what each of many tasks takes, with its frame, and what the collector scans of it.
func bytesOfWaiting(t *testing.T, form waitingForm) (total, scanned float64) {
	ex := executor.NewInline(executor.WithErrorHandler(func(error) {})) // Close cancels them
	require.NoError(t, form.launch(ex, 0))                              // what the first one makes
	before := memoryOf(ex)
	for i := range waitingTasks {
		require.NoError(t, form.launch(ex, i))
	}
	during := memoryOf(ex)
	each := func(bytes int64) float64 { return float64(bytes) / waitingTasks }
	require.NoError(t, ex.Close(), "no frame is live")
	runtime.KeepAlive(form)
	return each(during.frames - before.frames + during.heap - before.heap), each(during.scanned - before.scanned)
}

// A task that waits takes no more than its form's bytes, and nothing that the collector scans.
// What it takes is given back.
func TestBytesOfWaitingTasks(t *testing.T) {
	if race.Enabled || framecheck.Enabled || slab.FromHeap {
		return // memory has other sizes then
	}
	for _, form := range waitingForms() {
		t.Run(form.name, func(t *testing.T) {
			// The figures are those of the whole process, in which earlier tests may still come to an end.
			var total, scanned float64
			for try := range 3 {
				if total, scanned = bytesOfWaiting(t, form); total <= form.bytes && scanned < 1 {
					break
				}
				t.Logf("try %d: %.1f bytes, %.2f of them scanned", try+1, total, scanned)
			}
			require.LessOrEqual(t, total, form.bytes)
			if unsafe.Sizeof(uintptr(0)) == 8 { // otherwise the runtime counts all of an object with pointers as scanned
				require.Less(t, scanned, 1.0)
			}
		})
	}
}

// The memory of timers without room is given back when they are gone, in whatever order, and a
// timer that is left keeps little.
func TestPiecesAreGivenBack(t *testing.T) {
	ex := newInline(t)
	k := coro.Define("sleeps apart", func(f *coro.Frame[[80]byte, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, farAway)
		}
		return f.Return(none{})
	})
	const tasks = 500
	for _, parts := range []int{1, 2, 3, 7} {
		var cancels []context.CancelFunc
		for range parts {
			ctx, cancel := context.WithCancel(context.Background())
			cancels = append(cancels, cancel)
			for range tasks / parts {
				require.NoError(t, coro.RunAsync(ex, coro.Context(ctx), coro.OnError(func(error) {}))(k.With([80]byte{})))
			}
		}
		most := liveIn(ex.Arena())
		require.Greater(t, most, tasks/parts*parts)
		require.Less(t, most, tasks+tasks/20, "pieces share a frame")
		for i, cancel := range cancels {
			cancel()
			require.Eventually(t, func() bool {
				left := tasks / parts * (parts - 1 - i)
				live := liveIn(ex.Arena())
				return left == 0 && live == 0 || left > 0 && live >= left && live <= left+left/20+parts+3
			}, 10*time.Second, time.Millisecond, fmt.Sprint(parts, " parts, ", i+1, " of them gone"))
		}
	}
}
