package main

import (
	"context"
	"time"
)

// outputGrace is how long an interrupted command waits for output that is being written.
const outputGrace = time.Second

// interruptible calls f, which may block without regard to ctx, as reading a terminal or a pipe
// does. If ctx ends and f does not return within grace, interruptible returns the context's error.
// Then f is still running, on a goroutine that ends with the process or when f returns.
func interruptible(ctx context.Context, grace time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return ctx.Err()
	}
}
