package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/testkit/replay"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/stretchr/testify/require"
)

// record returns a trace of what use does.
func record(t *testing.T, use func(*arena.Trace)) []byte {
	t.Helper()
	var recorded bytes.Buffer
	trace := arena.NewTrace(new(arena.Heap), &recorded)
	use(trace)
	require.NoError(t, trace.Close())
	return recorded.Bytes()
}

// recordMix returns a trace of n frames of several sizes that are freed in any
// order, except for the last few, by so many threads.
func recordMix(t *testing.T, n, threads int) []byte {
	return record(t, func(trace *arena.Trace) {
		type frame struct {
			at   unsafe.Pointer
			size uintptr
		}
		var live []frame
		random := rand.New(rand.NewPCG(1, 2))
		users := make([]arena.FrameAllocator, threads)
		for i := range users {
			users[i] = trace.Thread()
		}
		for range n {
			size := []uintptr{0, 1, 7, 16, 100, 128, 129, 1000}[random.IntN(8)]
			if random.IntN(100) == 0 {
				size = 70_000
			}
			live = append(live, frame{users[random.IntN(threads)].Allocate(size), size})
			if len(live) > 20 {
				i := random.IntN(len(live))
				users[random.IntN(threads)].Deallocate(live[i].at, live[i].size)
				live[i] = live[len(live)-1]
				live = live[:len(live)-1]
			}
		}
	})
}

func traceFile(t *testing.T, trace []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trace")
	require.NoError(t, os.WriteFile(name, trace, 0o600))
	return name
}

func TestReplay(t *testing.T) {
	status, stdout, stderr := call(t, "replay", "-rounds", "2", traceFile(t, recordMix(t, 500, 1)))
	require.Equal(t, exitSuccess, status, stderr)
	for _, c := range replayContenders() {
		require.Contains(t, stdout, "  "+c.title+" ")
	}
	require.Contains(t, stdout, "\nThe trace: 980 operations by 1 thread; 500 frames allocated, 480 freed\nAt the peak, ")
	require.Contains(t, stdout, "\nRecommended: ")
	require.Contains(t, stderr, "replay: round 2 of 2\n")
}

func TestReplayAsJSON(t *testing.T) {
	trace := recordMix(t, 500, 1)
	var out, errs bytes.Buffer
	status := run(t.Context(), []string{"replay", "-", "-json", "-rounds", "3", "-cpu", "1"}, bytes.NewReader(trace), &out, &errs, nil)
	require.Equal(t, exitSuccess, status, errs.String())
	var r replayReport
	d := json.NewDecoder(bytes.NewReader(out.Bytes()))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&r))
	require.False(t, d.More(), "one document")

	require.Equal(t, 1, r.Machine.GOMAXPROCS)
	require.Equal(t, 3, r.Rounds)
	require.Equal(t, 980, r.Trace.Operations)
	require.Equal(t, 500, r.Trace.Allocations)
	require.GreaterOrEqual(t, r.Trace.PeakFootprint, r.Trace.PeakBytes)
	require.Len(t, r.Rows, len(replayContenders()))
	require.NotEmpty(t, r.Recommendation.Name)
	for _, row := range r.Rows {
		require.Len(t, row.RoundsNs, 3)
		if row.Name == "pool" {
			require.Positive(t, row.Refusals, "70,000 bytes have no class")
			continue
		}
		require.Zero(t, row.Refusals, row.Name)
		if row.Name != replayHeap && row.Name != "monotonic" {
			require.GreaterOrEqual(t, row.HeldBytes, r.Trace.PeakBytes, row.Name)
		}
	}
	require.NotEqual(t, "pool", r.Recommendation.Name)
}

func TestReplayOfTasks(t *testing.T) {
	trace := record(t, func(trace *arena.Trace) {
		c := newTaskChain()
		c.takeFramesFrom(trace, nil)
		require.NoError(t, c.run(10))
		require.NoError(t, c.close())
	})
	status, stdout, stderr := call(t, "replay", "-json", "-rounds", "1", traceFile(t, trace))
	require.Equal(t, exitSuccess, status, stderr)
	var r replayReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, 1+10*workloads.FramesPerIteration, r.Trace.Allocations, "the loop's frame, and those of the chain")
	require.Equal(t, r.Trace.Allocations, r.Trace.Deallocations)
	require.Equal(t, 5, r.Trace.PeakFrames, "the loop and a chain 4 deep")
	require.Empty(t, r.LeftOut)
	for _, row := range r.Rows {
		require.Zero(t, row.Refusals, row.Name)
	}
}

// TestReplayJSONShape pins the names and the order of fields.
func TestReplayJSONShape(t *testing.T) {
	trace := record(t, func(trace *arena.Trace) {
		a, b := trace.Thread(), trace.Thread()
		b.Deallocate(a.Allocate(100), 100)
	})
	_, stdout, stderr := call(t, "replay", traceFile(t, trace), "-json", "-rounds", "1")
	figures := regexp.MustCompile(`-?\b[0-9]+(\.[0-9]+)?(e-?[0-9]+)?\b`)
	fields := regexp.MustCompile(`"([a-z_]+)": ("[^"]*"|[0-9.e+-]+)`).ReplaceAllString(stdout, `"$1"`)
	var r replayReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r), stderr)
	rows := regexp.MustCompile(`(?s)    \},\n    \{.*?\n  \],\n  "left`).ReplaceAllString(fields, "    }\n  ],\n  \"left")
	require.Equal(t, `{
  "machine": {
    "os",
    "arch",
    "cpus",
    "gomaxprocs",
    "go"
  },
  "trace": {
    "operations",
    "allocations",
    "deallocations",
    "refused_when_recorded",
    "unknown_frames_freed",
    "threads",
    "freed_by_another_thread",
    "allocated_bytes",
    "peak_operation",
    "peak_live_frames",
    "peak_live_bytes",
    "peak_arena_bytes",
    "classes": [
      {
        "frame_bytes",
        "allocations",
        "peak_live_frames"
      }
    ]
  },
  "rounds",
  "runs_per_round",
  "rss_source",
  "rows": [
    {
      "name",
      "title",
      "ns_per_operation",
      "spread",
      "ratio_to_heap",
      "held_bytes",
      "waste",
      "rss_growth_bytes",
      "heap_allocs_per_operation",
      "gc_cycles",
      "refusals",
      "rounds_ns_per_operation": [
        0
      ]
    }
  ],
  "left_out": [
    {
      "name",
      "title",
      "reason"
    }
  ],
  "recommendation": {
    "name",
    "title",
    "reason",
    "noise",
    "option"
  }
}
`, figures.ReplaceAllString(rows, "0"))
}

func TestReplayOfSeveralThreads(t *testing.T) {
	for threads, leftOut := range map[int][]string{
		2:                   {"monotonic"},
		maxReplayCaches + 1: {"cache", "monotonic"},
	} {
		status, stdout, stderr := call(t, "replay", "-json", "-rounds", "1", traceFile(t, recordMix(t, 3000, threads)))
		require.Equal(t, exitSuccess, status, stderr)
		var r replayReport
		require.NoError(t, json.Unmarshal([]byte(stdout), &r))
		require.Equal(t, threads, r.Trace.Threads)
		var names []string
		for _, l := range r.LeftOut {
			names = append(names, l.Name)
			require.Contains(t, l.Reason, "threads")
		}
		require.Equal(t, leftOut, names)
		require.NotContains(t, leftOut, r.Recommendation.Name)
	}
}

func TestReplayOfWhatMonotonicCannotHold(t *testing.T) {
	trace := record(t, func(trace *arena.Trace) {
		for range 150 {
			a, b := trace.Allocate(4000), trace.Allocate(4000)
			trace.Deallocate(a, 4000)
			trace.Deallocate(b, 4000)
		}
	})
	status, stdout, stderr := call(t, "replay", "-rounds", "1", "-max-mib", "1", traceFile(t, trace))
	require.Equal(t, exitSuccess, status, stderr)
	require.Contains(t, stdout, "not played: monotonic, over a cache: it uses no frame again, and would grow to\n1.20 MB\n")
}

func TestReplayOfBadTraces(t *testing.T) {
	good := recordMix(t, 100, 2)
	damaged := bytes.Clone(good)
	damaged[17] = 0xf0 // the first tag
	for _, c := range []struct {
		trace []byte
		says  string
	}{
		{nil, "replay: at byte 0: arena: bad trace: it was cut short"},
		{[]byte("not a trace, though long enough"), "replay: at byte 16: arena: bad trace: it does not begin with"},
		{damaged, "replay: at byte 18: arena: bad trace: unknown tag 0xf0"},
		{good[:len(good)-20], "it was cut short"},
		{record(t, func(*arena.Trace) {}), "replay: the trace has no operation"},
	} {
		status, stdout, stderr := call(t, "replay", traceFile(t, c.trace))
		require.Equal(t, exitFailure, status)
		require.Empty(t, stdout)
		require.Contains(t, stderr, c.says)
	}
	status, _, stderr := call(t, "replay", filepath.Join(t.TempDir(), "nowhere"))
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "nowhere")
}

func TestReplayKeepsToLimits(t *testing.T) {
	trace := traceFile(t, recordMix(t, 100, 1))
	status, _, stderr := call(t, "replay", trace, "-max-operations", "50")
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "the trace exceeds a limit: it has more than 50 operations")

	status, _, stderr = call(t, "replay", traceFile(t, record(t, func(trace *arena.Trace) { trace.Allocate(2 << 20) })), "-max-mib", "1")
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "more than 1048576 bytes are live")
}

func TestInterruptedReplay(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	status := run(ctx, []string{"replay", "-"}, bytes.NewReader(recordMix(t, 100, 1)), &out, &errs, nil)
	require.Equal(t, exitInterrupted, status)
	require.Empty(t, out.String())
}

func TestShortTracesArePlayedOften(t *testing.T) {
	for want, use := range map[int]func(*arena.Trace){
		1000: func(trace *arena.Trace) { trace.Allocate(0) },
		500: func(trace *arena.Trace) {
			for range 100 {
				trace.Deallocate(trace.Allocate(100), 100)
			}
		},
		4: func(trace *arena.Trace) { trace.Allocate(1 << 28) },
		1: func(trace *arena.Trace) {
			for range 100_001 {
				trace.Allocate(0)
			}
		},
	} {
		r, err := replay.Read(bytes.NewReader(record(t, use)), replay.Limits{Operations: 1 << 20, Bytes: 1 << 30})
		require.NoError(t, err)
		require.Equal(t, want, runsPerRound(r))
	}
}
