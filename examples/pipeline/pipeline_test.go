package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/examples/pipeline/ordered"
)

func TestTheCommand(t *testing.T) {
	for _, as := range []ordered.Form{ordered.Tasks, ordered.Plain, ordered.Goroutines} {
		var out bytes.Buffer
		require.NoError(t, run(options{n: 1000, as: string(as)}, &out))
		require.Regexp(t, `^1000 items are in work, each with \d+ B of memory.\nAll results came, in order.\n$`, out.String())
	}
	require.EqualError(t, run(options{n: 1, as: "threads"}, new(bytes.Buffer)), `-as must be "tasks", "plain" or "goroutines", not "threads"`)
}
