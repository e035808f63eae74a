package frames

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

// value may suspend, and returns n.
func value(t *task.T, tr *cases.Trace, n int) int {
	tr.Print("value", n)
	t.Yield()
	return n
}

// wait may suspend, and returns an error if the context has ended.
func wait(t *task.T, tr *cases.Trace, note ...any) error {
	tr.Print(note...)
	return t.Yield()
}
