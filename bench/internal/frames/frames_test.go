package frames_test

import (
	"testing"

	"github.com/framearena/framearena/bench/internal/contesttest"
	"github.com/framearena/framearena/bench/internal/frames"
)

func TestContestants(t *testing.T) { contesttest.Run(t, frames.Disciplines(), nil) }
