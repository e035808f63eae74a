package task

import (
	"context"
	"runtime"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/forcing"
)

// Yield lets other tasks run. It returns the cause of the end of the task's context, if that has
// ended.
func (t *T) Yield() error {
	if forcing.Reached != nil {
		if done, err := t.forced(); done {
			return err
		}
	}
	if !t.s.InTask() {
		runtime.Gosched()
		return t.Err()
	}
	t.s.Wait(yielding{})
	return nil
}

type yielding struct{}

func (yielding) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return coro.Sleep(f, at, 0)
}

// Sleep waits until the time d has passed. If the task's context ends before that, it returns the
// cause. If d is not positive, Sleep is a Yield.
func (t *T) Sleep(d time.Duration) error {
	if forcing.Reached != nil {
		if done, err := t.forced(); done {
			return err
		}
	}
	if !t.s.InTask() {
		return sleepOnGoroutine(t.s.Context, d)
	}
	t.s.Amount = int64(d)
	t.s.Wait(sleeping{})
	return nil
}

// SleepUntil is Sleep for the time that is left until at.
func (t *T) SleepUntil(at time.Time) error { return t.Sleep(time.Until(at)) }

type sleeping struct{}

func (sleeping) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return coro.Sleep(f, at, time.Duration(s.Amount))
}

func sleepOnGoroutine(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		runtime.Gosched()
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
