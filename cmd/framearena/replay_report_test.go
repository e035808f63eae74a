package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReplayTable(t *testing.T) {
	r := &replayReport{
		Machine: machine{OS: "plan9", Arch: "mips", CPUs: 1, GOMAXPROCS: 1, Go: "go1.26.0"},
		Trace: replayTrace{
			Operations: 980_002, Allocations: 500_000, Deallocations: 480_000, Refused: 1, Unknown: 1, Threads: 2, Moved: 12,
			PeakFrames: 19_997, PeakBytes: 4_700_000, PeakFootprint: 6_120_000,
			Classes: []replayClass{{128, 499_999, 19_996}, {1024, 1, 1}, {0, 12, 3}},
		},
		Rounds:    7,
		RSSSource: "VmRSS",
		Rows: []replayRow{
			{Title: "Go heap", NsPerOperation: 143.4, Spread: 0.05, RatioToHeap: 1, HeldBytes: 5_830_000, Waste: 0.24, RSSGrowth: 35_200_000, HeapAllocs: 0.51, GCCycles: 17},
			{Title: "owner's cache", NsPerOperation: 11.8, Spread: 0.101, RatioToHeap: 0.0823, HeldBytes: 6_430_000, Waste: 0.37, RSSGrowth: -4096, Refusals: 1234},
		},
		LeftOut:        []replayLeftOut{{Title: "monotonic", Reason: "it belongs to one goroutine, and the trace has 2 threads"}},
		Recommendation: replayRecommendation{Name: "cache", Title: "owner's cache", Reason: "Because."},
	}
	require.Equal(t, `framearena on plan9/mips, 1 CPU, GOMAXPROCS 1, go1.26.0

The trace: 980,002 operations by 2 threads; 500,000 frames allocated, 480,000
freed
At the peak, 4.70 MB live in 19,997 frames, which take 6.12 MB of an arena
Freed by another thread than had allocated them: 12 frames
Not played: 1 request that the recorded allocator refused
Not played: the freeing of 1 frame whose allocation was not recorded

  class    allocated  most live
  128 B      499,999     19,996
  1,024 B          1          1
  larger          12          3

Each allocator, median of 7 rounds; memory at the peak (RSS: VmRSS)

  allocator      time/op  spread  of heap     held  waste  RSS growth
  Go heap         143 ns     5 %     1.00  5.83 MB   24 %     35.2 MB
  owner's cache  11.8 ns    10 %    0.082  6.43 MB   37 %    -4.10 KB

  allocator      heap allocs/op  GC cycles  refusals
  Go heap                  0.51         17         0
  owner's cache            0.00          0     1,234

not played: monotonic: it belongs to one goroutine, and the trace has 2 threads

Recommended: owner's cache.
Because.
`, r.text())

	r.Recommendation = recommend(nil)
	require.Contains(t, r.text(), "\nNo recommendation. Every allocator refused frames of this trace.\n")
}
