//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/task"
)

// idleEcho echoes, and waits without a buffer.
func idleEcho(t *task.T, n *Net, c Conn) error {
	defer c.Close()
	for {
		if err := c.Readable(t); err != nil {
			return err
		}
		l, err := n.Lease(t, 512)
		if err != nil {
			return err
		}
		k, err := c.TryRead(l.Bytes)
		if err == nil {
			_, err = c.Write(t, l.Bytes[:k])
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

// serveIdle launches idleEcho for each connection.
func serveIdle(t *task.T, l *Listener) error {
	for {
		c, err := l.Accept(t)
		if err != nil {
			return err
		}
		if err := task.Go(l.n.executor, task.Do2(idleEcho, l.n, c)); err != nil {
			return err
		}
	}
}

// dialRaw returns descriptors of connections to l, which take nothing of the Go heap.
func dialRaw(t *testing.T, l *Listener, n int) (fds []int) {
	for range n {
		fds = append(fds, dialRawAddr(t, l.Addr()))
	}
	return fds
}

// An idle connection that has echoed once has its task's frame and its slot, and little else.
func TestIdleBytes(t *testing.T) {
	if race.Enabled || framecheck.Enabled {
		t.Skip("frames and waits have more bytes in this build")
	}
	const conns = 2000
	n := open(t)
	pool := n.executor.(*executor.Pool)
	l, err := n.Listen(t.Context(), "tcp4", "127.0.0.1:0", WithBacklog(conns))
	require.NoError(t, err)
	served, err := task.Start(n.executor, task.Do1(serveIdle, l), task.RequireCompiled())
	require.NoError(t, err)

	fds := dialRaw(t, l, conns)
	require.Eventually(t, func() bool { return n.Stats().Accepted == conns }, wait, pause)
	echo := func(fd int) {
		_, err := unix.Write(fd, []byte("hello"))
		require.NoError(t, err)
		var b [16]byte
		k, err := unix.Read(fd, b[:])
		require.NoError(t, err)
		require.Equal(t, "hello", string(b[:k]))
	}
	for _, fd := range fds {
		echo(fd)
	}
	require.Eventually(t, func() bool { toRead, _ := n.Waiting(); return toRead == conns+1 }, wait, pause, "and the listener")
	runtime.GC()
	runtime.GC()
	var with, without runtime.MemStats
	runtime.ReadMemStats(&with)
	frames := pool.Arena().Stats().Total.Live
	for _, fd := range fds {
		require.NoError(t, unix.Shutdown(fd, unix.SHUT_WR))
	}
	require.Eventually(t, func() bool { return n.Stats().Open == 1 }, wait, pause)
	left := pool.Arena().Stats().Total.Live
	require.Equal(t, uint64(conns), frames-left, "one frame for each")
	require.NoError(t, l.Close())
	_, err = served.WaitContext(t.Context())
	require.ErrorIs(t, err, net.ErrClosed)

	// Pages stay, so they count as a whole; the rest is what the collector found to be in use.
	slots := n.Stats().SlotBytes
	require.NoError(t, n.Close())
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&without)
	heap := int(with.HeapAlloc) - int(without.HeapAlloc)
	each := float64(128*int(frames-left)+slots+max(heap, 0)) / conns
	t.Logf("%.0f bytes for each: %.0f in frames, %.0f in pages, %.0f elsewhere in the heap", each, 128*float64(frames-left)/conns, float64(slots)/conns, float64(heap)/conns)
	require.Less(t, each, 250.0)
	runtime.KeepAlive(n)
}
