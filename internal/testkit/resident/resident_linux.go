// Package resident measures the memory of this process.
package resident

import (
	"os"
	"strconv"
	"strings"
)

// Bytes returns the resident memory of the process, or 0 if the system does not report it.
func Bytes() uint64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil { // not mounted
		return 0
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
