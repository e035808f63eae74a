//go:build unix

package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// A soak that is interrupted tells what it has done, and leaves no child behind.
func TestInterruptedSoak(t *testing.T) {
	p := start(t, "soak", "-seed", "5")
	p.waitFor(t, "soak with seed 5: round 1")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	rest, status := p.end(t)
	require.Equal(t, exitInterrupted, status)
	require.Equal(t, "framearena: interrupted\n", rest)
}
