//go:build !linux

package arena_test

import (
	"runtime"
	"testing"
)

// residentBytes returns how much memory the Go runtime has: here slabs are not
// tested for more.
func residentBytes(testing.TB) int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Sys)
}
