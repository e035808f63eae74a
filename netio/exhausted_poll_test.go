//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/task"
)

// refuse makes the next calls of accept, as many as count, fail until the test has ended.
func refuse(t *testing.T, count int, err error) (left *atomic.Int64) {
	accept := systemAccept
	left = new(atomic.Int64)
	left.Store(int64(count))
	systemAccept = func(fd int) (int, error) {
		if left.Add(-1) >= 0 {
			return -1, err
		}
		return accept(fd)
	}
	t.Cleanup(func() { systemAccept = accept })
	return left
}

// What a system without descriptors or memory refuses is tried again, and another error is returned.
func TestAcceptIsRefused(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		for _, refusal := range []unix.Errno{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED} {
			t.Run(refusal.Error(), func(t *testing.T) {
				n := open(t)
				l := listen(t, n)
				peer, err := net.Dial("tcp", l.Addr().String())
				require.NoError(t, err)
				defer peer.Close()
				left := refuse(t, 4, refusal)
				c, err := task.Run(t.Context(), n.executor, task.Call0(l.Accept), form)
				require.NoError(t, err)
				require.Equal(t, peer.LocalAddr().String(), c.RemoteAddr().String())
				require.Equal(t, int64(-1), left.Load())
				require.NoError(t, c.Close())
			})
		}
		t.Run("for good", func(t *testing.T) {
			n := open(t)
			l := listen(t, n)
			refuse(t, 1, unix.EPERM)
			_, err := task.Run(t.Context(), n.executor, task.Call0(l.Accept), form)
			require.ErrorIs(t, err, unix.EPERM)
			var e *net.OpError
			require.ErrorAs(t, err, &e)
			require.Equal(t, "accept", e.Op)
		})
	})
}
