package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

//go:generate go run ../../cmd/framearena gen .

// proxy passes the connections of a listener on to a target. Its fields are not changed, but for the counts.
type proxy struct {
	net      *netio.Net
	listener *netio.Listener
	places   *task.Semaphore // a permit for each connection that may be open
	dialer   net.Dialer
	target   string
	idle     time.Duration
	counts   counts
}

// newProxy returns a proxy that listens.
func newProxy(ctx context.Context, n *netio.Net, o options) (*proxy, error) {
	l, err := n.Listen(ctx, "tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &proxy{
		net:      n,
		listener: l,
		places:   task.NewSemaphore(int64(o.limit)),
		dialer:   net.Dialer{Timeout: o.dial},
		target:   o.target,
		idle:     o.idle,
	}, nil
}

// serve has a session for each connection, until the listener is closed. Then it waits for the sessions.
//
// It accepts a connection when there is a place for it, and not before: a client that has to wait is in the
// queue of the system, and costs the proxy nothing.
func (p *proxy) serve(t *task.T) error {
	var sessions task.Group
	for {
		if err := p.places.Acquire(t, 1); err != nil {
			return errors.Join(err, sessions.Wait(t))
		}
		client, err := p.listener.Accept(t)
		if errors.Is(err, net.ErrClosed) {
			return sessions.Wait(t)
		}
		if err != nil {
			return errors.Join(err, sessions.Wait(t))
		}
		p.counts.accepted.Add(1)
		sessions.Go(t, func(t *task.T) error { return p.session(t, client) })
	}
}

// session connects a client to the target. It counts its error and returns none: one session that fails does
// not concern the others.
func (p *proxy) session(t *task.T, client netio.Conn) error {
	defer p.places.Release(1)
	defer client.Close()
	target, err := p.net.DialWith(t, &p.dialer, "tcp", p.target)
	if err != nil {
		p.counts.end(fmt.Errorf("%w: %w", errUnreachable, err))
		return nil
	}
	defer target.Close()
	p.counts.end(p.join(t, client, target))
	return nil
}

// join passes on what the two ends say to each other, until both have ended, or one direction has failed.
func (p *proxy) join(t *task.T, client, target netio.Conn) error {
	// A connection is idle if nothing is read and nothing is written. So a direction that is silent does not
	// end the other one, and a receiver that takes nothing for the time ends both.
	if err := errors.Join(client.SetIdleTimeout(p.idle), target.SetIdleTimeout(p.idle)); err != nil {
		return err
	}
	var directions task.Group
	directions.SetPolicy(task.FirstError)
	directions.Go(t, func(t *task.T) error { return pass(t, target, client, &p.counts.up) })
	directions.Go(t, func(t *task.T) error { return pass(t, client, target, &p.counts.down) })
	return directions.Wait(t)
}

// pass passes on what src says, and its end, and adds the bytes to sum.
func pass(t *task.T, dst, src netio.Conn, sum *atomic.Int64) error {
	n, err := netio.Splice(t, dst, src)
	sum.Add(n)
	if err != nil {
		return err
	}
	return dst.CloseWrite()
}

// errUnreachable is why sessions end whose target has not accepted.
var errUnreachable = errors.New("the target is not reached")

// counts are about all sessions: accepted = ended + idle + stopped + unreachable + disconnected + those that
// are open. Sessions write them, any goroutine reads them.
type counts struct {
	accepted                                        atomic.Int64
	ended, idle, stopped, unreachable, disconnected atomic.Int64
	up, down                                        atomic.Int64 // bytes to the target, and from it, of directions that have ended
}

// end counts a session that has ended with err.
func (c *counts) end(err error) {
	switch {
	case err == nil:
		c.ended.Add(1)
	case errors.Is(err, netio.ErrIdleTimeout):
		c.idle.Add(1)
	case errors.Is(err, errStopped):
		c.stopped.Add(1)
	case errors.Is(err, errUnreachable):
		c.unreachable.Add(1)
	default:
		c.disconnected.Add(1)
	}
}

// String returns the counts as a sentence.
func (c *counts) String() string {
	return fmt.Sprintf("%d connections: %d ended, %d were idle, %d were disconnected, %d were stopped, %d did not reach the target; %d B up, %d B down",
		c.accepted.Load(), c.ended.Load(), c.idle.Load(), c.disconnected.Load(), c.stopped.Load(), c.unreachable.Load(), c.up.Load(), c.down.Load())
}
