package inspect_test

import (
	"encoding/json"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// The page and the document show the connections of a Net, and what they wait for.
func TestNet(t *testing.T) {
	pool := executor.NewPool()
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	n, err := netio.Open(pool, netio.WithBudget(1<<20))
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() })
	l, err := n.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	for range 3 {
		peer, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { _ = peer.Close() })
		c, err := task.Run(t.Context(), pool, task.Call0(l.Accept))
		require.NoError(t, err)
		_, err = task.Start(pool, task.Call1(readLease, c))
		require.NoError(t, err)
	}
	lease, err := task.Run(t.Context(), pool, task.Call1(n.Lease, 1000))
	require.NoError(t, err)
	defer lease.End()
	require.Eventually(t, func() bool {
		toRead, _ := n.Waiting()
		return toRead == 3
	}, time.Minute, time.Millisecond)

	i := inspect.New(inspect.WithNet("front", n))
	var document struct{ Nets []map[string]any }
	require.NoError(t, json.Unmarshal(get(t, i, "json").Body.Bytes(), &document))
	require.Len(t, document.Nets, 1)
	for field, value := range map[string]any{
		"name": "front", "connections": 3., "listeners": 1., "wait_to_read": 3., "wait_to_write": 0., "accepted": 3., "dialed": 0.,
		"leased_bytes": 1000., "budget_bytes": 1048576., "handshakes": 0.,
	} {
		require.Equal(t, value, document.Nets[0][field], field)
	}
	require.Contains(t, get(t, i, "").Body.String(), "<b>3</b> wait to read or accept")
	require.Panics(t, func() { inspect.New(inspect.WithNet("front", n), inspect.WithNet("front", n)) })
}

func readLease(t *task.T, c netio.Conn) (int, error) {
	l, err := c.ReadLease(t, 16)
	l.End()
	return 0, err
}
