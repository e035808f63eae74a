package task

import (
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
		t.s.EndIfClosed()
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

// Sleep waits until the time d has passed, by the executor's clock. If the task's context ends before
// that, it returns the cause. If d is not positive, Sleep is a Yield.
func (t *T) Sleep(d time.Duration) error {
	if d <= 0 {
		return t.Yield()
	}
	if forcing.Reached != nil {
		if done, err := t.forced(); done {
			return err
		}
	}
	t.s.Amount = int64(d)
	return waitFor(t, sleeping{})
}

// SleepUntil is Sleep for the time that is left until at, by the real clock.
func (t *T) SleepUntil(at time.Time) error { return t.Sleep(time.Until(at)) }

type sleeping struct{}

func (sleeping) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return coro.Sleep(f, at, time.Duration(s.Amount))
}
