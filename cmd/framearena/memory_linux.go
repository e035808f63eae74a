package main

import (
	"os"
	"strconv"
	"strings"
)

// residentMemory returns the memory of the process in bytes, of which mapped bytes are slabs.
// source names the origin of the figure.
func residentMemory(mapped uintptr) (bytes uint64, source string) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil { // /proc is not mounted
		return accountedMemory(mapped)
	}
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if len(fields) == 3 && fields[0] == "VmRSS:" {
			kib, err := strconv.ParseUint(fields[1], 10, 64)
			if err == nil {
				return kib << 10, "VmRSS"
			}
		}
	}
	return accountedMemory(mapped)
}
