package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChainTable(t *testing.T) {
	r := &chainReport{Iterations: 30000, FramesPerIteration: 66, Rounds: 7, Rows: []chainRow{
		{Title: "owner's cache", NsPerFrame: 9.93, Spread: 0.047, Ratio: 1},
		{Title: "goroutine", NsPerFrame: 312.4, Spread: 0.104, Ratio: 31.46, AllocsPerFrame: 1.5, GCCycles: 493},
	}}
	require.Equal(t, `
A chain of tasks, 4 deep: 66 frames an iteration, 30,000 iterations a round,
median of 7 rounds

  frames from    ns/frame  spread  ratio  heap allocs/frame  GC cycles
  owner's cache       9.9     5 %   1.00               0.00          0
  goroutine         312.4    10 %  31.46               1.50        493
`, r.text())
}

func TestCrowdTable(t *testing.T) {
	r := &crowdReport{Activities: 1_000_000, Rows: []crowdRow{
		{Title: "suspended tasks", CreateNs: 89.6, MemoryBytes: 128.2, MemorySource: "VmRSS", GCEmptyNs: 181_000, GCSuspendedNs: 280_000, FinishNs: 44.2},
		{Title: "parked goroutines", CreateNs: 8210, MemoryBytes: 2740, MemorySource: "VmRSS", GCEmptyNs: 203_000, GCSuspendedNs: 670e6, FinishNs: 515},
	}}
	require.Equal(t, `
1,000,000 idle activities, each sort in a process of its own (memory from VmRSS)

                      create each  memory each  memory all  GC before
  suspended tasks         89.6 ns        128 B      128 MB     181 µs
  parked goroutines       8.21 µs      2.74 KB     2.74 GB     203 µs
  goroutines / tasks        91.6×        21.4×       21.4×

                      GC while suspended  finish each
  suspended tasks                 280 µs      44.2 ns
  parked goroutines               670 ms       515 ns
  goroutines / tasks               2393×        11.7×
`, r.text())
}

func TestHumanFigures(t *testing.T) {
	for want, got := range map[string]string{
		"0.00 ns": humanTime(0),
		"9.99 ns": humanTime(9.994),
		"10.0 ns": humanTime(9.996),
		"999 ns":  humanTime(999.4),
		"1.00 µs": humanTime(999.6),
		"2.66 GB": humanBytes(2.66e9),
		"5000 s":  humanTime(5e12),
		"-128 B":  humanBytes(-128),
		"21.4×":   humanRatio(2740, 128),
		"":        humanRatio(1, 0),
		"0.00":    part(0),
		"0.00056": part(0.00056004),
		"0.085":   part(0.0849),
		"0.85":    part(0.849),
		"12.35":   part(12.345),
	} {
		require.Equal(t, want, got)
	}
	require.Equal(t, "7", grouped(7))
	require.Equal(t, "999", grouped(999))
	require.Equal(t, "1,000", grouped(1000))
	require.Equal(t, "1,000,000", grouped(1_000_000))
	require.Zero(t, quotient(1, 0))
}
