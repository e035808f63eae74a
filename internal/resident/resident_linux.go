package resident

import (
	"bytes"
	"os"
	"strconv"
)

// Bytes returns the memory of the process that is in RAM, in bytes. It returns 0 if the system does not
// tell.
func Bytes() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
