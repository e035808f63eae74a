package stale // want `changed_task.go was generated from another changed.go than there is: run framearena gen`

import "github.com/framearena/framearena/task"

func changed(t *task.T) error { return t.Yield() }
