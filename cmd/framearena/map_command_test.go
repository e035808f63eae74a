package main

import (
	"bytes"
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// recordGrowth returns a trace of 2000 frames. The last 500 are allocated after most others
// have been freed, so the most bytes are live after operation 1500.
func recordGrowth(t *testing.T) []byte {
	return record(t, func(trace *arena.Trace) {
		var frames []unsafe.Pointer
		for range 1500 {
			frames = append(frames, trace.Allocate(500))
		}
		for _, f := range frames[:1400] {
			trace.Deallocate(f, 500)
		}
		for range 500 {
			trace.Allocate(100)
		}
	})
}

// mapOf returns the document of framearena map.
func mapOf(t *testing.T, args ...string) mapReport {
	t.Helper()
	status, stdout, stderr := call(t, append([]string{"map", "-json"}, args...)...)
	require.Equal(t, exitSuccess, status, stderr)
	var r mapReport
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&r), stdout)
	require.False(t, d.More(), "one document")
	live := uint64(r.LargeFrames)
	for _, s := range r.Slabs {
		live += uint64(s.LiveFrames)
		require.LessOrEqual(t, s.LiveFrames+s.ColdFrames, s.CarvedFrames)
		require.LessOrEqual(t, s.CarvedFrames, s.CapacityFrames)
	}
	require.Equal(t, r.LiveFrames, live)
	return r
}

func TestMapOfATrace(t *testing.T) {
	trace := traceFile(t, recordGrowth(t))
	for _, c := range []struct {
		args []string
		at   int
		live uint64
	}{
		{nil, 1500, 1500},
		{[]string{"--at", "1"}, 1, 1},
		{[]string{"-at", "2000"}, 2000, 1000},
		{[]string{"-at=3400"}, 3400, 600},
	} {
		r := mapOf(t, append(c.args, trace)...)
		require.Equal(t, trace, r.Source)
		require.Equal(t, c.at, r.Operation)
		require.Equal(t, 3400, r.Operations)
		require.Equal(t, c.live, r.LiveFrames)
		require.NotEmpty(t, r.Slabs)
		require.Zero(t, r.Seed)
	}
}

func TestMapDrawsWhatItSays(t *testing.T) {
	trace := recordGrowth(t)
	var svg, errs bytes.Buffer
	status := run(t.Context(), []string{"map", "-"}, bytes.NewReader(trace), &svg, &errs, nil)
	require.Equal(t, exitSuccess, status, errs.String())
	require.True(t, strings.HasPrefix(svg.String(), "<svg "))
	require.Contains(t, svg.String(), "standard input, after 1,500 of 3,400 operations")

	folder := t.TempDir()
	for _, name := range []string{"a.svg", "a.PNG"} {
		file := filepath.Join(folder, name)
		status, stdout, stderr := call(t, "map", "-o", file, traceFile(t, trace))
		require.Equal(t, exitSuccess, status, stderr)
		require.Regexp(t, `^`+regexp.QuoteMeta(file)+`: [12] slabs? with 1,500 live frames\n$`, stdout)
		drawn, err := os.ReadFile(file)
		require.NoError(t, err)
		if name == "a.svg" {
			require.Equal(t, strings.ReplaceAll(svg.String(), "standard input", "trace"), string(drawn))
			continue
		}
		_, err = png.Decode(bytes.NewReader(drawn))
		require.NoError(t, err)

		before := drawn
		r := mapOf(t, "-dark", "-o", file, traceFile(t, trace))
		require.Equal(t, file, r.File)
		drawn, err = os.ReadFile(file)
		require.NoError(t, err)
		require.NotEqual(t, before, drawn)
	}
}

func TestMapOfTheDemonstration(t *testing.T) {
	first, again, other := mapOf(t), mapOf(t, "-seed", "1"), mapOf(t, "-seed", "2")
	require.Equal(t, 1, first.Seed)
	require.Equal(t, first.LiveFrames, again.LiveFrames)
	require.Equal(t, first.CarvedFrames, again.CarvedFrames)
	require.NotEqual(t, first.LiveFrames, other.LiveFrames)
	require.Greater(t, len(first.Slabs), 10)
	require.Equal(t, 2, first.LargeFrames)
}

func TestWrongCallsOfMap(t *testing.T) {
	trace := traceFile(t, recordGrowth(t))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-o", "a.gif"}, `--output "a.gif": the name must end in .svg or .png`},
		{[]string{"-o", "png"}, "must end in .svg or .png"},
		{[]string{"-dark"}, "--dark is for PNG"},
		{[]string{"-at", "5"}, "--at needs a trace"},
		{[]string{"-at", "0", trace}, `"0" for "--at" flag`},
		{[]string{"-at", "3401", trace}, "--at 3401: the trace has 3,400 operations"},
		{[]string{"-seed", "x"}, `"x" for "--seed" flag`},
		{[]string{"a", "b"}, "one argument is expected, a trace's file, or - for standard input: 2 were given"},
	} {
		status, stdout, stderr := call(t, append([]string{"map"}, c.args...)...)
		require.Equal(t, exitUsage, status, "%q", c.args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, c.says)
		require.Contains(t, stderr, "Usage:\n  framearena map [FILE] [flags]\n")
	}
}

func TestMapThatFails(t *testing.T) {
	for _, args := range [][]string{
		{traceFile(t, []byte("framearena-trace\x01\xff"))},
		{filepath.Join(t.TempDir(), "nowhere")},
		{"-o", filepath.Join(t.TempDir(), "nowhere", "a.svg")},
	} {
		status, stdout, stderr := call(t, append([]string{"map"}, args...)...)
		require.Equal(t, exitFailure, status)
		require.Empty(t, stdout)
		require.NotContains(t, stderr, "Usage")
	}
	var errs bytes.Buffer
	require.Equal(t, exitFailure, run(t.Context(), []string{"map"}, nil, fullDisk{}, &errs, nil))
	require.Contains(t, errs.String(), "no space left")
}

// TestMapJSONShape pins the names of the fields.
func TestMapJSONShape(t *testing.T) {
	trace := traceFile(t, record(t, func(trace *arena.Trace) { trace.Allocate(70_000) }))
	_, stdout, _ := call(t, "map", "-json", trace)
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(stdout), &fields))
	require.Equal(t, map[string]any{
		"source": trace, "operation": 1.0, "operations": 1.0, "seed": 0.0, "file": "",
		"live_frames": 1.0, "large_frames": 1.0, "large_bytes": fields["large_bytes"],
		"carved_frames": 0.0, "mapped_bytes": fields["mapped_bytes"], "slabs": []any{},
	}, fields)
	_, stdout, _ = call(t, "map", "-json", traceFile(t, recordGrowth(t)), "-at", "1")
	require.NoError(t, json.Unmarshal([]byte(stdout), &fields))
	require.Len(t, fields["slabs"], 1)
	slab := fields["slabs"].([]any)[0].(map[string]any)
	require.Contains(t, slab, "frame_bytes")
	require.Equal(t, 1.0, slab["live_frames"])
	require.Contains(t, slab, "capacity_frames")
	require.Contains(t, slab, "carved_frames")
	require.Equal(t, 0.0, slab["cold_frames"])
	require.Len(t, slab, 5)
}

func TestShortened(t *testing.T) {
	require.Equal(t, "größe", shortened("größe", 5))
	require.Equal(t, "grö…", shortened("größen", 4))
}
