//go:build unix

package executor_test

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime returns how much CPU time the process has used.
func cpuTime(b *testing.B) time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
