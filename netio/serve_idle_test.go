//go:build (linux || darwin || freebsd) && !netio_portable

package netio

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/task"
)

// A connection that waits for its next request has a task's frame, its slot and its httpConn: no goroutine,
// and no buffer.
func TestServeIdleBytes(t *testing.T) {
	const conns = 1000
	n := open(t)
	pool := n.executor.(*executor.Pool)
	before := runtime.NumGoroutine()
	l, err := n.Listen(t.Context(), "tcp4", "127.0.0.1:0", WithBacklog(conns))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	go func() { ended <- n.Serve(ctx, l, hello, inForm(task.RequireCompiled())) }()

	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, fd := range dialRaw(t, l, conns) {
		for range 2 {
			_, err := unix.Write(fd, []byte(request))
			require.NoError(t, err)
			var b [1024]byte
			_, err = unix.Read(fd, b[:])
			require.NoError(t, err)
			require.Equal(t, "HTTP/1.1 200 OK", string(b[:15]))
		}
	}
	awaitParked(t, n, conns)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() < before+20 }, wait, pause)
	t.Logf("%d goroutines, %d without connections", runtime.NumGoroutine(), before)

	var with, without runtime.MemStats
	read := func(m *runtime.MemStats) {
		for range 3 { // pools of net/http are emptied by the second one
			runtime.GC()
		}
		runtime.ReadMemStats(m)
	}
	read(&with)
	frames := 128 * int(pool.Arena().Stats().Total.Live)
	slots := n.Stats().SlotBytes
	cancel()
	require.NoError(t, <-ended)
	require.NoError(t, n.Close())
	read(&without)
	heap := int(with.HeapAlloc) - int(without.HeapAlloc)
	stacks := max(0, int(with.StackInuse)-int(without.StackInuse))
	each := float64(frames+slots+heap+stacks) / conns
	t.Logf("%.0f bytes for each: %.0f in frames, %.0f in pages, %.0f elsewhere in the heap, %.0f in stacks", each,
		float64(frames)/conns, float64(slots)/conns, float64(heap)/conns, float64(stacks)/conns)
	if !race.Enabled && !framecheck.Enabled { // these builds have larger frames and waits
		require.Less(t, each, 600.0)
	}
	runtime.KeepAlive(n)
}
