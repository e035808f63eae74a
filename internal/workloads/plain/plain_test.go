package plain_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

func BenchmarkChain(b *testing.B) {
	ex := executor.NewInline()
	b.Cleanup(func() { ex.Close() })
	b.ReportAllocs()
	_, err := task.Run(context.Background(), ex, task.Do1(plain.Chain, b.N))
	require.NoError(b, err)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/66, "ns/frame")
}

func BenchmarkSkynet(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprint("workers=", workers), func(b *testing.B) {
			ex := executor.NewPool(executor.WithWorkers(workers))
			b.Cleanup(func() { ex.Close() })
			b.ReportAllocs()
			for b.Loop() {
				sum, err := task.Run(context.Background(), ex, task.Call2(plain.Skynet, 0, 1000000))
				require.NoError(b, err)
				require.EqualValues(b, int64(499999500000), sum)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1111111, "ns/task")
		})
	}
}
