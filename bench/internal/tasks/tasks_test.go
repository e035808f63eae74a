package tasks_test

import (
	"testing"

	"github.com/framearena/framearena/bench/internal/contesttest"
	"github.com/framearena/framearena/bench/internal/tasks"
)

func TestContestants(t *testing.T) {
	contesttest.Run(t, tasks.Disciplines(), map[string]int{"skynet": 100, "sleepers": 100})
}
