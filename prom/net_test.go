package prom_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/prom"
)

func TestFiguresOfNets(t *testing.T) {
	n, err := netio.Open(newPool(t), netio.WithBudget(4096))
	require.NoError(t, err)
	defer n.Close()
	l, err := n.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	got := series(t, prom.NewCollector(inspect.New(inspect.WithNet("front", n))))
	for name, want := range map[string]float64{
		"framearena_net_open{net=front,what=connection}":           0,
		"framearena_net_open{net=front,what=listener}":             1,
		"framearena_net_waiting{direction=read,net=front}":         0,
		"framearena_net_waiting{direction=write,net=front}":        0,
		"framearena_net_connections_total{by=accept,net=front}":    0,
		"framearena_net_connections_total{by=dial,net=front}":      0,
		"framearena_net_handshakes{net=front}":                     0,
		"framearena_net_handshakes_total{net=front,result=done}":   0,
		"framearena_net_handshakes_total{net=front,result=failed}": 0,
		"framearena_net_leased_bytes{net=front}":                   0,
		"framearena_net_budget_bytes{net=front}":                   4096,
	} {
		require.Contains(t, got, name)
		require.Equal(t, want, got[name], name)
	}
	require.NoError(t, l.Close())
}
