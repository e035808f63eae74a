package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// reserve is how many files a process has open beside its connections, at most.
const reserve = 64

// raiseFiles lets this process have as many files open as n connections need, or as many
// as it can, and returns how many.
func raiseFiles(n int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	want := uint64(n) + reserve
	if limit.Cur >= want {
		return int(want), nil // files have the lowest numbers that are free
	}
	raised := unix.Rlimit{Cur: want, Max: max(want, limit.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil { // privileged, or within the hard limit
		return int(want), nil
	}
	raised = unix.Rlimit{Cur: limit.Max, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return int(limit.Max), nil
}
