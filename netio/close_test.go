//go:build unix

package netio

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/task"
)

// closeRounds is how often something is closed in each test of this file.
func closeRounds() int {
	if testing.Short() {
		return 1000
	}
	return 10_000
}

// socketPair returns a Conn and its other end. They need no port, so there may be very many, one after another.
func socketPair(t *testing.T, n *Net) (Conn, net.Conn) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		ends[i], err = net.FileConn(f)
		require.NoError(t, errors.Join(err, f.Close()))
	}
	c, err := n.Adopt(ends[0], nil)
	require.NoError(t, err)
	return c, ends[1]
}

func readOne(t *task.T, c Conn) error {
	var b [1]byte
	_, err := c.Read(t, b[:])
	return err
}

func writeMuch(t *task.T, c Conn) error {
	b := make([]byte, 64<<10)
	for {
		if _, err := c.Write(t, b); err != nil {
			return err
		}
	}
}

func leaseOne(t *task.T, c Conn) error {
	l, err := c.ReadLease(t, 64)
	l.End()
	return err
}

func shakeHands(t *task.T, c Conn) error {
	_, err := TLSServer(t, c, serverConfig())
	return err
}

func closeConn(_ *task.T, c Conn) error { return c.Close() }

// Who closes a connection that a task waits for, at any moment and from anywhere, ends the wait, and nothing is left.
func TestCloseDuring(t *testing.T) {
	rounds := closeRounds()
	for name, waits := range map[string]func(*task.T, Conn) error{
		"read": readOne, "write": writeMuch, "lease": leaseOne, "handshake": shakeHands,
	} {
		t.Run(name, func(t *testing.T) {
			inBothForms(t, func(t *testing.T, form task.Option) {
				n := open(t)
				hello := clientHello(t)
				for i := range rounds / 2 { // in each form
					c, peer := socketPair(t, n)
					if name == "handshake" && i%2 == 0 {
						_, err := peer.Write(hello)
						require.NoError(t, err)
					}
					waiting, err := task.Start(n.executor, task.Do1(waits, c), form)
					require.NoError(t, err)
					for range i % 8 {
						runtime.Gosched()
					}
					if i%2 == 0 {
						require.NoError(t, c.Close())
					} else {
						require.NoError(t, task.Go(n.executor, task.Do1(closeConn, c), form))
					}
					_, err = waiting.WaitContext(t.Context())
					require.ErrorIs(t, err, net.ErrClosed)
					require.NoError(t, peer.Close())
				}
				require.Eventually(t, func() bool { return n.Stats().Open == 0 }, 10*time.Second, time.Millisecond)
				require.Zero(t, n.Stats().Leased)
				require.Eventually(t, func() bool { return n.Stats().Handshakes == 0 }, 10*time.Second, time.Millisecond)
			})
		})
	}
}

func acceptOne(t *task.T, l *Listener) error {
	c, err := l.Accept(t)
	if err != nil {
		return err
	}
	return c.Close()
}

// Who closes a listener that a task waits for ends the wait, also if a client comes at that moment: then it is accepted
// or refused.
func TestCloseDuringAccept(t *testing.T) {
	rounds := closeRounds()
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		dir := t.TempDir()
		for i := range rounds / 2 {
			path := filepath.Join(dir, "socket")
			l, err := n.Listen(t.Context(), "unix", path)
			require.NoError(t, err)
			waiting, err := task.Start(n.executor, task.Do1(acceptOne, l), form)
			require.NoError(t, err)
			if i%2 == 0 {
				peer, err := net.Dial("unix", path)
				require.NoError(t, err)
				require.NoError(t, l.Close())
				_, err = peer.Read(make([]byte, 1))
				require.True(t, err == io.EOF || errors.Is(err, unix.ECONNRESET), "%v", err)
				require.NoError(t, peer.Close())
			} else {
				require.NoError(t, l.Close())
			}
			if _, err = waiting.WaitContext(t.Context()); err != nil {
				require.ErrorIs(t, err, net.ErrClosed)
			}
			_ = os.Remove(path) // if it is still there
		}
		require.Eventually(t, func() bool { return n.Stats().Open == 0 }, 10*time.Second, time.Millisecond)
	})
}
