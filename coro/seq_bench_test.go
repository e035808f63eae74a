package coro_test

import (
	"iter"
	"testing"

	"github.com/framearena/framearena/internal/workloads"
)

// One value an iteration, of generators with the same body: a task that yields, a
// function that Go's iter.Pull suspends, and one that calls the loop's body.

var benchSum int

func requireSum(b *testing.B, sum int) {
	b.Helper()
	if sum != b.N*(b.N-1)/2 {
		b.Fatal(sum)
	}
	benchSum = sum
}

func BenchmarkSeq(b *testing.B) {
	b.ReportAllocs()
	sum := 0
	for v := range workloads.Numbers.Seq(workloads.UpTo{End: b.N}) {
		sum += v
	}
	requireSum(b, sum)
}

func BenchmarkSeq2(b *testing.B) {
	b.ReportAllocs()
	sum := 0
	for v, err := range workloads.Numbers.Seq2(workloads.UpTo{End: b.N}) {
		if err != nil {
			b.Fatal(err)
		}
		sum += v
	}
	requireSum(b, sum)
}

func BenchmarkIterPull(b *testing.B) {
	b.ReportAllocs()
	next, stop := iter.Pull(workloads.PushNumbers(workloads.UpTo{End: b.N}))
	defer stop()
	sum := 0
	for {
		v, ok := next()
		if !ok {
			break
		}
		sum += v
	}
	requireSum(b, sum)
}

func BenchmarkIterPush(b *testing.B) {
	b.ReportAllocs()
	sum := 0
	for v := range workloads.PushNumbers(workloads.UpTo{End: b.N}) {
		sum += v
	}
	requireSum(b, sum)
}

// Values of a binary tree, most of which come from deep down.
func BenchmarkSeqYieldFrom(b *testing.B) {
	b.ReportAllocs()
	sum := 0
	for v := range tree.Seq(treeState{0, b.N, -1}) {
		sum += v
	}
	requireSum(b, sum)
}

// A loop over one value: what it costs to begin and end.
func BenchmarkSeqLoop(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for v := range workloads.Numbers.Seq(workloads.UpTo{End: 1}) {
			benchSum += v
		}
	}
}

func BenchmarkIterPullLoop(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		next, stop := iter.Pull(workloads.PushNumbers(workloads.UpTo{End: 1}))
		for v, ok := next(); ok; v, ok = next() {
			benchSum += v
		}
		stop()
	}
}
