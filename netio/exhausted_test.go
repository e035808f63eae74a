//go:build unix

package netio

import (
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/task"
)

// alone runs a test in a process of its own, where it may take the descriptors away from all others.
func alone(t *testing.T, test func(t *testing.T, form task.Option)) {
	const variable = "NETIO_TEST_ALONE"
	if os.Getenv(variable) == t.Name() {
		inBothForms(t, test)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: "+t.Name()+"/compiled")
	require.Contains(t, string(out), "--- PASS: "+t.Name()+"/on_goroutines")
}

// leaveDescriptors makes n descriptors the last ones that the process can get, until the test has ended.
func leaveDescriptors(t *testing.T, n int) {
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	var fds []int // the next ones, which have the lowest numbers that are free
	for range n + 1 {
		fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
		require.NoError(t, err)
		fds = append(fds, fd)
	}
	for _, fd := range fds {
		require.NoError(t, unix.Close(fd))
	}
	limit := before
	setLimit(&limit.Cur, fds[n]) // the first number that is too large
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	t.Cleanup(func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before)) })
}

// setLimit sets a limit, whose type is not the same on each system.
func setLimit[I int64 | uint64](limit *I, to int) { *limit = I(to) }

// noDescriptor checks that there is none left.
func noDescriptor(t *testing.T) {
	_, err := unix.Dup(0)
	require.ErrorIs(t, err, unix.EMFILE)
}

// Without a descriptor Accept waits, and then accepts what has come meanwhile.
func TestAcceptWithoutDescriptors(t *testing.T) {
	alone(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		var peers []net.Conn
		for range 30 {
			peer, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			require.NoError(t, peer.SetDeadline(time.Now().Add(wait)))
			peers = append(peers, peer)
		}
		leaveDescriptors(t, 3)
		served, err := task.Start(n.executor, task.Do2(serve, l, echo), form)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return n.Stats().Accepted == 3 }, wait, pause)
		noDescriptor(t)
		for i, peer := range peers { // each that goes leaves its descriptors to the next
			b := []byte{byte(i)}
			_, err := peer.Write(b)
			require.NoError(t, err)
			b[0] = 255
			_, err = io.ReadFull(peer, b)
			require.NoError(t, err, "peer %d", i)
			require.Equal(t, byte(i), b[0])
			require.NoError(t, peer.Close())
		}
		require.Equal(t, uint64(len(peers)), n.Stats().Accepted)
		require.NoError(t, l.Close())
		_, err = served.WaitContext(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// Dial fails without a descriptor, and Splice needs none.
func TestSpliceWithoutDescriptors(t *testing.T) {
	alone(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		from, source := pair(t, n)
		to, sink := pair(t, n)
		leaveDescriptors(t, 0)
		noDescriptor(t)
		_, err := task.Run(t.Context(), n.executor, task.Call2(n.Dial, "tcp", l.Addr().String()), form)
		require.ErrorIs(t, err, unix.EMFILE)
		relayed, err := task.Start(n.executor, task.Call2(relay, to, from), form)
		require.NoError(t, err)
		whole := pattern(1 << 20)
		errs := make(chan error, 1)
		go func() {
			_, err := source.Write(whole)
			errs <- err
			_ = source.CloseWrite()
		}()
		got, err := io.ReadAll(sink)
		require.NoError(t, err)
		require.NoError(t, <-errs)
		require.True(t, string(whole) == string(got))
		m, err := relayed.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, moved{int64(len(whole)), nil}, m)
	})
}
