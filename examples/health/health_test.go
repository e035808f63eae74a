package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/examples/health/checker"
)

func TestTheCommand(t *testing.T) {
	for _, as := range []checker.Form{checker.Tasks, checker.Plain, checker.Goroutines} {
		var out bytes.Buffer
		require.NoError(t, run(options{n: 100, as: string(as)}, &out))
		require.Regexp(t, `^100 targets are watched, each with \d+ B of memory.\n10 are ill.\n$`, out.String())
	}
	require.EqualError(t, run(options{n: 1, as: "threads"}, new(bytes.Buffer)), `-as must be "tasks", "plain" or "goroutines", not "threads"`)
}
