// Package plain has the workloads of this project as plain Go functions for package task.
package plain

import (
	"sync/atomic"

	"github.com/framearena/framearena/task"
)

// Leaves counts the leaves of all chains.
var Leaves atomic.Uint64

// Chain is the seed's benchmark: a loop of so many iterations, which calls a chain of functions, four
// deep. In each iteration 45 leaves add to Leaves, and 66 functions are called.
func Chain(t *task.T, iterations int) error {
	for range iterations {
		depth1(t)
	}
	return nil
}

func depth1(t *task.T) {
	for range 5 {
		depth2(t)
	}
}

func depth2(t *task.T) {
	for range 3 {
		depth3(t)
	}
}

func depth3(t *task.T) {
	for range 3 {
		depth4(t)
	}
}

func depth4(t *task.T) { Leaves.Add(1) }

// YieldingChain is [Chain] with leaves that yield: each one whose number is a multiple of every.
func YieldingChain(t *task.T, iterations, every int) error {
	y := yieldingChain{every: every}
	for range iterations {
		if err := y.depth1(t); err != nil {
			return err
		}
	}
	return nil
}

type yieldingChain struct{ every, leaves int }

func (y *yieldingChain) depth1(t *task.T) error {
	for range 5 {
		if err := y.depth2(t); err != nil {
			return err
		}
	}
	return nil
}

func (y *yieldingChain) depth2(t *task.T) error {
	for range 3 {
		if err := y.depth3(t); err != nil {
			return err
		}
	}
	return nil
}

func (y *yieldingChain) depth3(t *task.T) error {
	for range 3 {
		if err := y.depth4(t); err != nil {
			return err
		}
	}
	return nil
}

func (y *yieldingChain) depth4(t *task.T) error {
	Leaves.Add(1)
	if y.leaves++; y.leaves%y.every == 0 {
		return t.Yield()
	}
	return nil
}

// Skynet is a tree of tasks, each with ten children down to the leaves, which number num to
// num+size-1. It returns the sum of the leaves' numbers.
func Skynet(t *task.T, num, size int) (int, error) {
	if size == 1 {
		return num, nil
	}
	var g task.Group
	var sums [10]int
	for i := range sums {
		g.Go(t, func(t *task.T) error {
			sum, err := Skynet(t, num+i*size/10, size/10)
			sums[i] = sum
			return err
		})
	}
	err := g.Wait(t)
	total := 0
	for _, s := range sums {
		total += s
	}
	return total, err
}
