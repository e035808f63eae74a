package generated

import (
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/task"
)

// Timeout is [task.Timeout] for a literal of generated code, which does not escape.
func Timeout(t *task.T, d time.Duration, start func(*task.T) error) error {
	return task.TimeoutInPlace(t, d, start)
}

// Deadline is [task.Deadline] for a literal of generated code, which does not escape.
func Deadline(t *task.T, at time.Time, start func(*task.T) error) error {
	return task.DeadlineInPlace(t, at, start)
}

// Shield is [task.Shield] for a literal of generated code, which does not escape.
func Shield(t *task.T, start func(*task.T) error) error { return task.ShieldInPlace(t, start) }

// WithAllocator is [task.WithAllocator] for a literal of generated code, which does not escape.
func WithAllocator(t *task.T, m arena.FrameAllocator, start func(*task.T) error) error {
	return task.WithAllocatorInPlace(t, m, start)
}
