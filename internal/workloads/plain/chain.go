// Package plain has the workloads of this project as plain Go functions for package task.
package plain

import (
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
)

// Chain is the seed's benchmark: a loop of so many iterations, which calls a chain of functions, four
// deep. In each iteration 45 leaves add to workloads.ChainLeaves, and 66 functions are called. Of the
// leaves, each one whose number is a multiple of every yields; none if that is 0.
func Chain(t *task.T, iterations, every int) error {
	c := chain{every: every, left: every}
	for range iterations {
		if err := c.depth1(t); err != nil {
			return err
		}
	}
	return nil
}

// chain counts the leaves that are left until one yields.
type chain struct{ every, left int }

func (c *chain) depth1(t *task.T) error {
	for range 5 {
		if err := c.depth2(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) depth2(t *task.T) error {
	for range 3 {
		if err := c.depth3(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) depth3(t *task.T) error {
	for range 3 {
		if err := c.depth4(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) depth4(t *task.T) error {
	workloads.ChainLeaves.Add(1)
	if c.left--; c.left == 0 {
		c.left = c.every
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
