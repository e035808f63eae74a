package coro_test

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// skynetNode is a task of a tree in which each task but the leaves has ten children. Leaves
// return their number, the others the sum of their children.
type skynetNode struct {
	children coro.Group
	num      int32
	size     int32 // leaves below
	sums     [10]int
}

type skynetLeaf struct{ num int32 }

var skynetLeaves = coro.Define("skynet leaf", func(f *coro.Frame[skynetLeaf, int]) coro.Step {
	return f.Return(int(f.State.num))
})

var skynet = coro.Define("skynet", func(f *coro.Frame[skynetNode, int]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		size := s.size / 10
		if size == 1 {
			for i := range s.sums {
				coro.Spawn(f, &s.children, skynetLeaves, skynetLeaf{s.num + int32(i)}, &s.sums[i])
			}
		} else {
			for i := range s.sums {
				coro.Spawn(f, &s.children, f.Kind(), skynetNode{num: s.num + int32(i)*size, size: size}, &s.sums[i])
			}
		}
		return s.children.Wait(f, 1)
	}
	sum := 0
	for _, n := range s.sums {
		sum += n
	}
	return f.Return(sum)
})

func skynetGoroutines(c chan int, num, size int) {
	if size == 1 {
		c <- num
		return
	}
	children := make(chan int)
	size /= 10
	for i := range 10 {
		go skynetGoroutines(children, num+i*size, size)
	}
	sum := 0
	for range 10 {
		sum += <-children
	}
	c <- sum
}

// skynetWaitGroup is what the tasks do, with a WaitGroup in place of the Group.
func skynetWaitGroup(num, size int, result *int) {
	if size == 1 {
		*result = num
		return
	}
	var children sync.WaitGroup
	var sums [10]int
	size /= 10
	for i := range sums {
		children.Go(func() { skynetWaitGroup(num+i*size, size, &sums[i]) })
	}
	children.Wait()
	for _, n := range sums {
		*result += n
	}
}

func BenchmarkSkynet(b *testing.B) {
	for _, tree := range []struct {
		name       string
		size       int
		tasks, sum float64
	}{
		{"111111", 100_000, 111_111, 4999950000},
		{"1111111", 1_000_000, 1_111_111, 499999500000},
	} {
		perTask := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tree.tasks, "ns/task")
		}
		b.Run("tasks/"+tree.name, func(b *testing.B) {
			ex := executor.NewInline()
			for b.Loop() {
				n, err := coro.Run(context.Background(), ex, skynet.With(skynetNode{size: int32(tree.size)}))
				if err != nil || float64(n) != tree.sum {
					b.Fatal(n, err)
				}
			}
			perTask(b)
			require.NoError(b, ex.Close())
		})
		b.Run("goroutines/"+tree.name, func(b *testing.B) {
			for b.Loop() {
				c := make(chan int)
				go skynetGoroutines(c, 0, tree.size)
				if n := <-c; float64(n) != tree.sum {
					b.Fatal(n)
				}
			}
			perTask(b)
		})
		b.Run("WaitGroup/"+tree.name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				skynetWaitGroup(0, tree.size, &n)
				if float64(n) != tree.sum {
					b.Fatal(n)
				}
			}
			perTask(b)
		})
	}
}
