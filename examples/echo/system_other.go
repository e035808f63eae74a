//go:build !linux

package main

import (
	"net"
	"os/exec"
	"runtime"
	"time"
)

// mostConns returns how many connections a process can have: n, or as many as one address of the clients has
// ports for. Go's runtime has raised the limit of open files, where there is one.
func mostConns(n int) (int, error) { return min(n, perAddress), nil }

// clientDialer returns the dialer of a client. All have one address.
func clientDialer(int) *net.Dialer { return new(net.Dialer) }

// endWithParent does nothing: a process that is left alone ends when it has measured, or at the end of its
// standard input.
func endWithParent(*exec.Cmd) {}

// memory returns the memory of the Go heap, of stacks and of frames in bytes, after a garbage collection. It
// is a little less than the resident memory, which systems report in many ways.
func memory(s server) (int, error) {
	time.Sleep(50 * time.Millisecond) // let the last work end
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse+m.StackInuse) + s.Frames(), nil
}
