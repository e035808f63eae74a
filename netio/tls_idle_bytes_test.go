//go:build unix && !netio_portable

package netio

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/task"
)

// An idle connection with TLS has at most half of what it has with a goroutine and a tls.Conn.
func TestTLSIdleBytes(t *testing.T) {
	if race.Enabled || framecheck.Enabled {
		t.Skip("frames and waits have more bytes in this build")
	}
	const conns = 500
	config := serverConfig()

	// idle returns the bytes of each of the connections that a server has echoed to once.
	idle := func(addr net.Addr, waiting func() bool, frames func() uint64, end func()) float64 {
		var fds []int
		for range conns {
			fd := dialRawAddr(t, addr)
			echoTLS(t, fd)
			fds = append(fds, fd)
		}
		require.Eventually(t, waiting, wait, pause)
		with := bytesInUse()
		live := frames()
		for _, fd := range fds {
			require.NoError(t, unix.Shutdown(fd, unix.SHUT_WR))
		}
		end()
		return float64(with-bytesInUse())/conns + 128*float64(live-frames())/conns
	}

	n := open(t)
	frames := func() uint64 { return n.executor.(*executor.Pool).Arena().Stats().Total.Live }
	l, err := n.Listen(t.Context(), "tcp4", "127.0.0.1:0", WithBacklog(conns))
	require.NoError(t, err)
	served, err := task.Start(n.executor, task.Do2(serveIdleTLS, l, config), task.RequireCompiled())
	require.NoError(t, err)
	waiting := func() bool { toRead, _ := n.Waiting(); return toRead == conns+1 } // and the listener
	ours := idle(l.Addr(), waiting, frames, func() {
		require.Eventually(t, func() bool { return n.Stats().Open == 1 }, wait, pause)
	})
	require.NoError(t, l.Close())
	_, err = served.WaitContext(context.Background())
	require.ErrorIs(t, err, net.ErrClosed)

	nl, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan bool)
	go func() {
		for {
			c, err := nl.Accept()
			if err != nil {
				return
			}
			go func() {
				echoOnGoroutine(tls.Server(c, config))
				ended <- true
			}()
		}
	}()
	theirs := idle(nl.Addr(), func() bool { return true }, func() uint64 { return 0 }, func() {
		for range conns {
			<-ended
		}
	})
	require.NoError(t, nl.Close())
	t.Logf("%.0f bytes for each, and %.0f with a goroutine and a tls.Conn", ours, theirs)
	require.LessOrEqual(t, ours, theirs/2)
}

// echoTLS does a handshake and an echo. Afterwards there is the descriptor, and nothing in the Go heap.
func echoTLS(t *testing.T, fd int) {
	copied, err := unix.Dup(fd)
	require.NoError(t, err)
	file := os.NewFile(uintptr(copied), "socket")
	nc, err := net.FileConn(file)
	require.NoError(t, errors.Join(err, file.Close()))
	defer nc.Close()
	c := tls.Client(nc, clientConfig())
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	var b [5]byte
	_, err = io.ReadFull(c, b[:])
	require.NoError(t, err)
	require.Equal(t, "hello", string(b[:]))
}

func dialRawAddr(t *testing.T, addr net.Addr) int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	require.NoError(t, unix.Connect(fd, &unix.SockaddrInet4{Port: addr.(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}}))
	return fd
}

// bytesInUse returns what the collector finds to be in use, and stacks.
func bytesInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// serveIdleTLS launches an echo for each connection.
func serveIdleTLS(t *task.T, l *Listener, config *tls.Config) error {
	for {
		c, err := l.Accept(t)
		if err != nil {
			return err
		}
		if err := task.Go(l.n.executor, task.Do3(idleTLS, l.n, c, config)); err != nil {
			return err
		}
	}
}

// idleTLS echoes, and waits without a buffer.
func idleTLS(t *task.T, n *Net, c Conn, config *tls.Config) error {
	s, err := TLSServer(t, c, config)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		if err := s.Readable(t); err != nil {
			return err
		}
		l, err := n.Lease(t, 512)
		if err != nil {
			return err
		}
		k, err := s.TryRead(l.Bytes)
		if err == nil {
			_, err = s.Write(t, l.Bytes[:k])
		}
		l.End()
		if err == io.EOF {
			return nil
		}
		if err != nil && err != ErrNotReady {
			return err
		}
	}
}

func echoOnGoroutine(c net.Conn) {
	defer c.Close()
	b := make([]byte, 512)
	for {
		n, err := c.Read(b)
		if err != nil {
			return
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
	}
}
