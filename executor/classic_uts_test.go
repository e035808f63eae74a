package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Unbalanced tree search: how many nodes has a tree whose shape is known only by walking
// it? It is that of the UTS benchmark, binomial: the first levels are full, and below
// them a node has utsBranches children or none, as its hash says. So most subtrees are
// tiny and some are huge. n is how many levels are full.
var unbalancedTree = program[int32]{
	tasks: func(ex coro.Executor, n int) (int32, error) {
		return run(ex, utsTask.With(utsNode{hash: utsSeed, full: int32(n)}))
	},
	goroutines: func(n int) int32 { return utsGoroutine(utsSeed, n) },
}

const (
	utsBranches = 4
	utsPerMille = 245 // nodes that have children; on average a node has 0.98
	utsSeed     = 42
)

// utsChild returns the hash of a child. (The function is that of SplitMix64.)
func utsChild(hash uint64, i int) uint64 {
	z := hash + uint64(i+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func utsHasChildren(hash uint64, full int) bool { return full > 0 || hash>>32%1000 < utsPerMille }

type utsNode struct {
	children coro.Group
	hash     uint64
	full     int32 // levels below that are full
	counts   [utsBranches]int32
}

var utsTask = coro.Define("uts", func(f *coro.Frame[utsNode, int32]) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		count := int32(1)
		for _, n := range s.counts {
			count += n
		}
		return f.Return(count)
	case !utsHasChildren(s.hash, int(s.full)):
		return f.Return(1)
	}
	for i := range s.counts {
		coro.Spawn(f, &s.children, f.Kind(), utsNode{hash: utsChild(s.hash, i), full: s.full - 1}, &s.counts[i])
	}
	return s.children.Wait(f, 1)
})

func utsGoroutine(hash uint64, full int) int32 {
	if !utsHasChildren(hash, full) {
		return 1
	}
	var counts [utsBranches]int32
	var children sync.WaitGroup
	for i := range counts {
		children.Go(func() { counts[i] = utsGoroutine(utsChild(hash, i), full-1) })
	}
	children.Wait()
	count := int32(1)
	for _, n := range counts {
		count += n
	}
	return count
}

func TestUnbalancedTree(t *testing.T) { unbalancedTree.test(t, 0, 1, 4) }

// BenchmarkUnbalancedTree's operation is a tree of some 200,000 nodes, or of some 3,000
// with -short.
func BenchmarkUnbalancedTree(b *testing.B) {
	full := 6
	if testing.Short() {
		full = 3
	}
	unbalancedTree.benchOf(b, full, int(unbalancedTree.goroutines(full)))
}
