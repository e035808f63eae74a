// Package predeclared gives names of Go other meanings.
package predeclared

import "github.com/framearena/framearena/task"

const nil = 0 // want "declares nil, which generated code needs"

type any interface{} // it means the same

func max(t *task.T, a any, b int) int {
	t.Yield()
	return b + nil
}
