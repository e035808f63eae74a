//go:build !unix

package contest

import "time"

// cpuTime returns 0: this system does not report the CPU time of a process.
func cpuTime() time.Duration { return 0 }
