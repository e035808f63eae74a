package netio

import (
	"net"
	"sync"

	"github.com/framearena/framearena/task"
)

// Dial connects to an address, as net.Dialer does: a host's name is looked up, and of its addresses the
// first one that answers is taken. A goroutine does that, while the task waits. The context of t ends
// it. The networks are "tcp", "tcp4", "tcp6" and "unix"; the error is a *net.OpError, as package net's. For
// datagrams there is [Net.ListenPacket].
func (n *Net) Dial(t *task.T, network, addr string) (Conn, error) {
	return n.DialWith(t, &net.Dialer{}, network, addr)
}

// DialWith is Dial with the options of d, which must not be changed meanwhile.
func (n *Net) DialWith(t *task.T, d *net.Dialer, network, addr string) (Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return Conn{}, &net.OpError{Op: "dial", Net: network, Err: net.UnknownNetworkError(network)}
	}
	a := new(attempt)
	ctx := t.Context()
	nc, err := task.Block(t, func() (net.Conn, error) {
		nc, err := d.DialContext(ctx, network, addr)
		return a.end(nc, err)
	})
	if err != nil {
		a.abandon() // Block returns at once if the context ends
		return Conn{}, err
	}
	c, err := n.Adopt(nc, nil)
	if err == nil {
		n.stats.dialed.Add(1)
	}
	return c, err
}

// attempt is a dial for which somebody waits, or does not any more.
type attempt struct {
	mu        sync.Mutex
	abandoned bool     // guarded by mu
	conn      net.Conn // guarded by mu
}

// end keeps the connection that the dial has ended with, for abandon.
func (a *attempt) end(c net.Conn, err error) (net.Conn, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil && a.abandoned {
		_ = c.Close() // nobody has used it
		return nil, net.ErrClosed
	}
	a.conn = c
	return c, err
}

// abandon closes the connection, now or when there is one.
func (a *attempt) abandon() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.abandoned = true
	if a.conn != nil {
		_ = a.conn.Close()
	}
}
