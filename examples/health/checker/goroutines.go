package checker

import (
	"context"
	"sync"
	"time"
)

// Goroutines starts a goroutine for each target, which checks it until ctx ends. wait returns when
// all have ended.
func (c *Checker) Goroutines(ctx context.Context, targets []string) (wait func()) {
	var all sync.WaitGroup
	permits := make(chan struct{}, c.Parallel)
	for _, target := range targets {
		all.Go(func() { c.watch(ctx, permits, target) })
	}
	return all.Wait
}

// watch checks a target again and again.
func (c *Checker) watch(ctx context.Context, permits chan struct{}, target string) {
	for {
		select {
		case permits <- struct{}{}:
		case <-ctx.Done():
			return
		}
		err := c.check(ctx, target)
		<-permits
		if ctx.Err() != nil {
			return
		}
		c.Board.Set(target, err)
		select {
		case <-time.After(c.Interval):
		case <-ctx.Done():
			return
		}
	}
}

// check is one check.
func (c *Checker) check(ctx context.Context, target string) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	return c.get(ctx, target)
}
