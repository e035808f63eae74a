//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

func waitToRead(t *task.T, c Conn) error { return c.Readable(t) }

// An end that the system has reported before the last bytes were read is not waited for: it is not reported
// again.
func TestEndThatComesWithTheLastBytes(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		_, err := peer.Write([]byte("hello"))
		require.NoError(t, err)
		require.NoError(t, peer.CloseWrite())
		require.Eventually(t, func() bool {
			s := c.h.lock()
			defer s.mu.Unlock()
			return s.flags&flagEnded != 0
		}, wait, pause)
		b := make([]byte, 16)
		k, err := c.TryRead(b)
		require.NoError(t, err)
		require.Equal(t, 5, k)
		for range 3 {
			_, err = task.Run(t.Context(), n.executor, task.Do1(waitToRead, c), form)
			require.NoError(t, err)
			_, err = c.TryRead(b)
			require.Equal(t, io.EOF, err)
		}
	})
}
