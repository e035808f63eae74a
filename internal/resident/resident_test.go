package resident_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/resident"
)

func TestBytes(t *testing.T) {
	if runtime.GOOS != "linux" {
		require.Zero(t, resident.Bytes())
		return
	}
	before := resident.Bytes()
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = 1
	}
	require.Greater(t, resident.Bytes(), before+32<<20)
	runtime.KeepAlive(block)
}
