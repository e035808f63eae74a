package generated

import (
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/task"
)

// TimeoutInPlace is task.Timeout for a literal of generated code, which does not escape.
func TimeoutInPlace(t *task.T, d time.Duration, start func(*task.T) error) error {
	return task.TimeoutInPlace(t, d, start)
}

// DeadlineInPlace is task.Deadline for a literal of generated code, which does not escape.
func DeadlineInPlace(t *task.T, at time.Time, start func(*task.T) error) error {
	return task.DeadlineInPlace(t, at, start)
}

// ShieldInPlace is task.Shield for a literal of generated code, which does not escape.
func ShieldInPlace(t *task.T, start func(*task.T) error) error { return task.ShieldInPlace(t, start) }

// WithAllocatorInPlace is task.WithAllocator for a literal of generated code, which does not escape.
func WithAllocatorInPlace(t *task.T, m arena.FrameAllocator, start func(*task.T) error) error {
	return task.WithAllocatorInPlace(t, m, start)
}
