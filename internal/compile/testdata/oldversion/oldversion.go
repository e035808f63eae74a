//go:build go1.21

// Package oldversion is for a version of Go whose loops have one variable for all iterations.
package oldversion // want "need go1.22"

import "github.com/framearena/framearena/task"

func loop(t *task.T) {
	for i := 0; i < 3; i++ {
		t.Yield()
	}
}
