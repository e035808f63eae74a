// Package other has task functions for package forms.
package other

import (
	"fmt"

	"github.com/framearena/framearena/task"
)

// Both is compiled.
func Both(t *task.T, n int, s string) (int, string, error) {
	err := t.Yield()
	return n + 1, s + "!", err
}

// Worker has a method.
type Worker struct {
	Name  string
	calls int
}

// Log is a method that waits.
func (w *Worker) Log(t *task.T, s string) string {
	w.calls++
	_ = t.Yield()
	return fmt.Sprint(w.Name, s, w.calls)
}

// Sum has any number of arguments.
func Sum(t *task.T, list ...int) (n int) {
	_ = t.Yield()
	for _, v := range list {
		n += v
	}
	return n
}
