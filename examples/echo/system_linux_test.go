package main

import (
	"math"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// openFiles returns the number of open files of the process.
func openFiles(t *testing.T) int {
	dir, err := os.Open("/proc/self/fd")
	require.NoError(t, err)
	defer dir.Close()
	names, err := dir.Readdirnames(0)
	require.NoError(t, err)
	return len(names)
}

// At the limit of open files, new connections wait until others are closed.
func TestNoFileIsLeft(t *testing.T) {
	s := newTaskServer(t, 4096)
	first := dial(t, s)
	quiet(t, s, 1)
	last, err := net.Dial("tcp4", s.Addr()) // before the limit is set, because it is the client's too
	require.NoError(t, err)
	quiet(t, s, 2)

	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	waiting, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	next, err := unix.Dup(waiting) // the number of the next file
	require.NoError(t, err)
	require.NoError(t, unix.Close(next))
	few := limit
	few.Cur = uint64(next)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	connected := unix.Connect(waiting, &unix.SockaddrInet4{Port: first.RemoteAddr().(*net.TCPAddr).Port, Addr: [4]byte{127, 0, 0, 1}})
	time.Sleep(50 * time.Millisecond)
	held := s.Open()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
	require.NoError(t, connected)
	require.Equal(t, 2, held)
	quiet(t, s, 3)

	require.NoError(t, unix.Close(waiting))
	require.NoError(t, first.Close())
	require.NoError(t, last.Close())
	quiet(t, s, 0)
	require.NoError(t, s.Close())
}

func TestTheLimitOfFiles(t *testing.T) {
	most, err := mostConns(math.MaxInt32) // more than any system allows
	require.NoError(t, err)
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	require.LessOrEqual(t, uint64(most), limit.Cur)
	require.Less(t, most, math.MaxInt32)
}
