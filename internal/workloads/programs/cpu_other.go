//go:build !unix

package programs

import "time"

// cpuTime would return the CPU time of the process so far. It is not known here.
func cpuTime() time.Duration { return 0 }
