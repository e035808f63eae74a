package netio

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/framearena/framearena/task"
)

// NetConn passes the tests of golang.org/x/net for implementations of net.Conn.
func TestNetConn(t *testing.T) {
	n := open(t)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := n.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		accepted := make(chan Conn, 1)
		go func() {
			c, err := task.Run(t.Context(), n.executor, task.Call0(l.Accept))
			_ = err // the zero Conn, which is closed, is what the test sees
			accepted <- c
		}()
		dialed, err := task.Run(t.Context(), n.executor, task.Call2(n.Dial, "tcp", l.Addr().String()))
		if err != nil {
			return nil, nil, nil, err
		}
		a, b := dialed.NetConn(), (<-accepted).NetConn()
		return a, b, func() { _, _ = a.Close(), b.Close() }, nil
	})
	// A call of the system that is under way keeps a connection for a moment after Close.
	require.Eventually(t, func() bool { return n.Stats().Open == 0 }, 10*time.Second, time.Millisecond)
}
