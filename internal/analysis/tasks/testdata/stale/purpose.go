//framearena:ignore it is edited all the time

package stale

import "github.com/framearena/framearena/task"

func onPurpose(t *task.T) error { return t.Yield() }
