package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// reserve is the most files that a process has open besides its connections.
const reserve = 64

// raiseFiles raises the limit of open files to what n connections need, or as far as the
// system allows. It returns the number of files that the process may use.
func raiseFiles(n int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	want := uint64(n) + reserve
	if limit.Cur >= want {
		return int(want), nil // a new file gets the lowest free number, so all numbers are less
	}
	raised := unix.Rlimit{Cur: want, Max: max(want, limit.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil { // works within the hard limit, or with privileges
		return int(want), nil
	}
	raised = unix.Rlimit{Cur: limit.Max, Max: limit.Max}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &raised); err != nil {
		return 0, fmt.Errorf("limit of open files: %w", err)
	}
	return int(limit.Max), nil
}
