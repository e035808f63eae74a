package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheCommand(t *testing.T) {
	for _, as := range []string{asTasks, asPlain, asGoroutines} {
		var out bytes.Buffer
		require.NoError(t, run(options{n: 1000, messages: 3, as: as}, &out))
		require.Regexp(t, `^1000 members listen, each with \d+ B of memory.\n3000 messages were delivered.\n$`, out.String())
	}
	require.EqualError(t, run(options{n: 1, as: "threads"}, new(bytes.Buffer)), `-as must be "tasks", "plain" or "goroutines", not "threads"`)
}
