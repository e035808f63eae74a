package chain_test

import (
	"testing"

	"github.com/framearena/framearena/bench/internal/chain"
	"github.com/framearena/framearena/bench/internal/contesttest"
)

func TestContestants(t *testing.T) { contesttest.Run(t, chain.Disciplines(), nil) }
