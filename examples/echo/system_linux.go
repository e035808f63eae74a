package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mostConns returns how many connections a process can have: n, or fewer. It raises the limit of open files
// to what n connections need, or as far as the system allows.
func mostConns(n int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	want := uint64(n) + reserve
	if limit.Cur >= want {
		return n, nil
	}
	raised := unix.Rlimit{Cur: want, Max: max(want, limit.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil { // works within the hard limit, or with privileges
		return n, nil
	}
	raised = unix.Rlimit{Cur: limit.Max, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return max(0, int(limit.Max)-reserve), nil
}

// clientDialer returns the dialer of a client. Clients have several addresses: each connection takes a port,
// and Linux uses some 28,000 ports of an address by default.
func clientDialer(number int) *net.Dialer {
	from := net.IPv4(127, 0, 0, byte(1+number/perAddress))
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Control: portLater}
}

// portLater makes the system choose the port when it connects. If it chose the port earlier,
// it could not choose one that was in use within the last minute.
func portLater(_, _ string, raw syscall.RawConn) error {
	var err error
	return errors.Join(raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	}), err)
}

// endWithParent makes the system kill the new process when the thread that starts it ends. The caller's
// goroutine must be locked to its thread.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// memory returns the resident memory of the process in bytes, after a garbage collection.
func memory(server) (int, error) {
	time.Sleep(50 * time.Millisecond) // let the last work end
	debug.FreeOSMemory()              // runs a collection first
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.Atoi(fields[1])
			return kib << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmRSS")
}
