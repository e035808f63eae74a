package constructs

import "github.com/framearena/framearena/task"

// keep has a value of any type.
func keep[E any](t *task.T, v E) (E, error) {
	err := t.Yield()
	return v, err
}

func keeps(t *task.T) (string, error) { return keep(t, "kept") }
