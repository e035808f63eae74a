package generated

import (
	"runtime"

	"github.com/framearena/framearena/task"
)

// Goexit is [runtime.Goexit] where a task function calls it. In a task it suspends the function.
func Goexit(t *task.T) {
	s := suspension(t)
	if !s.InTask() {
		runtime.Goexit()
	}
	s.Exit()
}
