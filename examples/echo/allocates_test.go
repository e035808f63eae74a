//go:build (linux || darwin || freebsd) && !netio_portable

package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// An echo allocates little, and no buffer: the variable of the Lease, and what a deferred call and the calls of
// methods of another package need.
func TestWhatAnEchoAllocates(t *testing.T) {
	s := newTaskServer(t, 4096)
	c := &client{conn: dial(t, s)}
	require.NoError(t, c.echo())
	require.LessOrEqual(t, testing.AllocsPerRun(2000, func() {
		if err := c.echo(); err != nil {
			t.Error(err)
		}
	}), 4.0)
	require.NoError(t, c.conn.Close())
	quiet(t, s, 0)
	require.NoError(t, s.Close())
}
