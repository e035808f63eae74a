package workloads

import "github.com/framearena/framearena/coro"

// Skynet runs a tree of tasks in which each task but the leaves spawns ten children and
// waits for them. leaves must be a power of ten and fit an int32. A leaf returns its number,
// counted from 0; the others return the sum of their children. So the result is the sum of
// the numbers below leaves, and there are 0.11 other tasks for each leaf.
//
// It measures spawn, join and return, and on several workers how the tree is shared among
// them.
func Skynet(ex coro.Executor, leaves int) (int, error) {
	return run(ex, skynet.With(skynetNode{size: int32(leaves)}))
}

// SkynetGoroutines is [Skynet] as it is usually written: each node is a goroutine that sends
// its result over the channel of its parent.
func SkynetGoroutines(leaves int) int {
	result := make(chan int)
	go skynetGoroutine(result, 0, leaves)
	return <-result
}

type skynetNode struct {
	children coro.Group
	num      int32
	size     int32 // leaves below
	sums     [10]int
}

var skynet = coro.Define("skynet", func(f *coro.Frame[skynetNode, int]) coro.Step {
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
			coro.Spawn(f, &s.children, SkynetLeaf, num, &s.sums[i])
		} else {
			coro.Spawn(f, &s.children, f.Kind(), skynetNode{num: num, size: size}, &s.sums[i])
		}
	}
	return s.children.Wait(f, 1)
})

// SkynetLeaf returns its state. A leaf is of a kind of its own because it needs no Group: its
// frame is smaller.
var SkynetLeaf = coro.Define("skynet leaf", func(f *coro.Frame[int32, int]) coro.Step {
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
