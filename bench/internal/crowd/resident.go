package crowd

import (
	"os"
	"strconv"
	"strings"
)

// resident returns how many bytes of memory this process has; false if the system does not
// say so in /proc.
func resident() (bytes uint64, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if kib, is := strings.CutPrefix(line, "VmRSS:"); is {
			n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(kib), " kB"), 10, 64)
			return n << 10, err == nil
		}
	}
	return 0, false
}
