package coro_test

import (
	"context"
	"testing"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/workloads"
)

// A task is launched, runs and ends.
func BenchmarkGo(b *testing.B) {
	ex := newInline(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := coro.Go(ex, workloads.ChainLeaf, none{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRunAsync(b *testing.B) {
	ex := newInline(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := coro.RunAsync(ex)(workloads.ChainLeaf.With(none{})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRunAsyncWithAllocator(b *testing.B) {
	ex := newInline(b)
	opt := coro.Allocator(ex.Arena())
	b.ReportAllocs()
	for b.Loop() {
		if err := coro.RunAsync(ex, opt)(workloads.ChainLeaf.With(none{})); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	ex := newInline(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := coro.Run(ctx, ex, workloads.ChainLeaf.With(none{})); err != nil {
			b.Fatal(err)
		}
	}
}
