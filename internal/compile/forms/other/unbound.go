package other

import "github.com/framearena/framearena/task"

// Unbound is not compiled: no declaration has its code.
var Unbound = func(t *task.T, n int) int {
	_ = t.Yield()
	return n * 2
}
