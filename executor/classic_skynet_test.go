package executor_test

import (
	"testing"

	"github.com/framearena/framearena/coro"
)

// Skynet: a tree in which each task but the leaves has ten children; n is the number of
// leaves, a power of ten. A leaf returns its number, the others the sum of their children.
var skynet = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return run(ex, skynetTask.With(skynetNode{size: int32(n)}))
	},
	goroutines: func(n int) int {
		result := make(chan int)
		go skynetGoroutine(result, 0, n)
		return <-result
	},
}

type skynetNode struct {
	children coro.Group
	num      int32
	size     int32 // leaves below
	sums     [10]int
}

var skynetTask = coro.Define("skynet", func(f *coro.Frame[skynetNode, int]) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		sum := 0
		for _, n := range s.sums {
			sum += n
		}
		return f.Return(sum)
	case s.size == 1:
		return f.Return(int(s.num))
	}
	size := s.size / 10
	for i := range s.sums {
		num := s.num + int32(i)*size
		if size == 1 {
			coro.Spawn(f, &s.children, skynetLeaf, num, &s.sums[i])
		} else {
			coro.Spawn(f, &s.children, f.Kind(), skynetNode{num: num, size: size}, &s.sums[i])
		}
	}
	return s.children.Wait(f, 1)
})

// skynetLeaf is a kind of its own because a leaf needs no Group: its frame is smaller.
var skynetLeaf = coro.Define("skynet leaf", func(f *coro.Frame[int32, int]) coro.Step {
	return f.Return(int(f.State))
})

func skynetGoroutine(result chan<- int, num, size int) {
	if size == 1 {
		result <- num
		return
	}
	size /= 10
	sums := make(chan int)
	for i := range 10 {
		go skynetGoroutine(sums, num+i*size, size)
	}
	sum := 0
	for range 10 {
		sum += <-sums
	}
	result <- sum
}

func TestSkynet(t *testing.T) { skynet.test(t, 1, 10, 1000, 10*scaled(10_000)) }

// BenchmarkSkynet's operation is a tree of 1,111,111 tasks, or of 11,111 with -short.
func BenchmarkSkynet(b *testing.B) {
	if testing.Short() {
		skynet.benchOf(b, 10_000, 11_111)
		return
	}
	skynet.benchOf(b, 1_000_000, 1_111_111)
}
