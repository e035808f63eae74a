package goroutine_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/goroutine"
)

func TestElsewhere(t *testing.T) {
	mine := goroutine.ID()
	isMine := func() bool { return goroutine.ID() == mine }
	require.True(t, goroutine.Ask(isMine))
	require.False(t, goroutine.Ask(func() bool { return false }))
	calls := 0
	goroutine.Elsewhere(func() {
		require.False(t, isMine())
		require.True(t, goroutine.Ask(isMine))
		require.False(t, goroutine.Ask(func() bool { calls++; return false }))
		goroutine.Elsewhere(func() {
			require.True(t, goroutine.Ask(isMine))
			require.False(t, goroutine.Ask(func() bool { calls++; return false }))
			runtime.Goexit()
		})
		require.True(t, goroutine.Ask(isMine))
		strange := make(chan bool)
		go func() { strange <- goroutine.Ask(isMine) }()
		require.False(t, <-strange, "nobody waits in Elsewhere for this one")
	})
	require.Equal(t, 2+3, calls)
}
