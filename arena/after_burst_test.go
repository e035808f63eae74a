package arena_test

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/framearena/framearena/arena"
)

// BenchmarkMemoryAfterBurst measures the memory that a burst leaves behind: 100,000 frames of
// 64 B to 4 KiB are live, a million more are allocated and freed, and then the allocator
// gives memory back if it can. The metric is resident memory over the size of the live
// frames as it was asked for. Run each variant in a process of its own, with -benchtime 1x.
func BenchmarkMemoryAfterBurst(b *testing.B) {
	const live, burst = 100_000, 1_000_000
	run := func(b *testing.B, frames arena.FrameAllocator, giveBack func()) {
		bytes := uintptr(0)
		debug.FreeOSMemory()
		before := residentBytes(b)
		w := &mixWorker{frames: frames, random: 1}
		var stay []mixFrame
		var passing []mixFrame
		for b.Loop() {
			for range burst / 10 {
				passing = append(passing, w.allocate())
			}
			for i := range live {
				stay = append(stay, w.allocate())
				bytes += stay[i].size
			}
			for range burst - burst/10 {
				passing = append(passing, w.allocate())
			}
			for _, f := range passing {
				frames.Deallocate(f.p, f.size)
			}
			passing = nil
			giveBack()
			b.ReportMetric(float64(residentBytes(b)-before)/float64(bytes), "resident/live")
			for _, f := range stay {
				frames.Deallocate(f.p, f.size)
			}
			stay, bytes = nil, 0
		}
	}
	b.Run("arena and Trim", func(b *testing.B) {
		a := open(b)
		run(b, a, func() { a.Trim(0); runtime.GC() })
	})
	b.Run("make and GC", func(b *testing.B) { run(b, madeFrames{}, runtime.GC) })
	b.Run("make and FreeOSMemory", func(b *testing.B) { run(b, madeFrames{}, debug.FreeOSMemory) })
	b.Run("sync.Pool and GC", func(b *testing.B) {
		run(b, newPooledFrames(), func() { runtime.GC(); runtime.GC() })
	})
	b.Run("sync.Pool and FreeOSMemory", func(b *testing.B) {
		run(b, newPooledFrames(), func() { runtime.GC(); debug.FreeOSMemory() })
	})
}
