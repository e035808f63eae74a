package executor_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/workloads/waiting"
)

// BenchmarkWaiting's operation is a root that is launched and then waits: the time is that of the
// launch and of the beginning of the wait. B/root is the memory that it keeps while it waits, on the
// Go heap, on stacks and in live frames, and objects/root are those on the Go heap. gc-µs is how
// long a garbage collection takes while all wait. A form that another has preceded in the process
// finds memory that can be used again, so name one:
//
//	go test -run '^$' -bench 'Waiting/^timeout$' -benchtime 100000x ./executor
func BenchmarkWaiting(b *testing.B) {
	for _, form := range waiting.Forms {
		b.Run(form.Name, func(b *testing.B) {
			c := form.Open()
			require.NoError(b, c.Prepare(b.N))
			before := c.Memory()
			b.ResetTimer()
			require.NoError(b, c.Launch(b.N))
			b.StopTimer()
			m := c.Memory().Sub(before)
			start := time.Now()
			runtime.GC()
			b.ReportMetric(float64(time.Since(start).Microseconds()), "gc-µs")
			b.ReportMetric(float64(m.Total())/float64(b.N), "B/root")
			b.ReportMetric(float64(m.Objects)/float64(b.N), "objects/root")
			require.NoError(b, c.Release())
			require.NoError(b, c.Close())
		})
	}
}
