package generated

import (
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// GoesInPlace reports whether g.Go runs a child in place. If so, generated code calls [GoInPlace],
// otherwise [GoCall].
func GoesInPlace(t *task.T, g *task.Group) bool { return task.GoesInPlace(t, g) }

// GoInPlace is g.Go for a literal of generated code, which does not escape. It does not suspend the
// caller.
func GoInPlace(t *task.T, g *task.Group, start func(*task.T) error) { task.GoInPlace(t, g, start) }

// GoCall is g.Go for a child that begins as a task: call is of its kind, with its captured variables.
// It suspends the caller if there is no room.
func GoCall(t *task.T, g *task.Group, call coro.Call[struct{}]) { task.GoCall(t, g, call) }
