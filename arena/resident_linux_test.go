package arena_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// residentBytes returns how much memory the process has.
func residentBytes(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	var size, resident int
	_, err = fmt.Sscan(string(text), &size, &resident)
	require.NoError(t, err)
	return resident * os.Getpagesize()
}
