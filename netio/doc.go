// Package netio has network connections for task functions. An idle connection costs the frame of its
// task and some 80 bytes: no goroutine, no buffer, no timer.
//
// A [Net] belongs to an executor. It listens and dials, and its poller wakes the tasks that wait:
//
//	n, err := netio.Open(pool)
//	l, err := n.Listen(ctx, "tcp", "127.0.0.1:7000")
//	err = task.Go(pool, task.Do1(serve, l))
//
//	func serve(t *task.T, l *netio.Listener) error {
//		var g task.Group
//		for {
//			c, err := l.Accept(t)
//			if err != nil {
//				return errors.Join(err, g.Wait(t))
//			}
//			g.Go(t, func(t *task.T) error { return session(t, c) })
//		}
//	}
//
// A [Conn] is a handle of 8 bytes. Its methods with a T wait as those of net.Conn block; those that begin
// with Try never wait. Errors are those of package net: [*net.OpError], which wraps net.ErrClosed,
// os.ErrDeadlineExceeded or an error of the system, and io.EOF. If the context of t ends, a wait returns
// its cause, and the connection is as it was.
//
// # Idle connections
//
// Read keeps its buffer while it waits, as in any Go program. A connection that is mostly idle waits
// without one: [Conn.ReadLease] takes a buffer when there is something to read, from memory that a budget
// limits, and [Conn.Readable] leaves it to the caller what to read with. [Conn.SetIdleTimeout] ends what
// was idle for too long, without a timer for each connection.
//
// # Slow peers
//
// Write waits until its bytes are with the system. So what passes data on does not read what it cannot
// write, and a peer that does not read costs the one buffer that its writer has.
//
// # TLS
//
// [TLSServer] and [TLSClient] do a handshake of crypto/tls, on a bounded number of goroutines, and return a
// [TLSConn], which waits as a Conn does. What serves both takes a [Stream].
//
// # Datagrams, files, proxies
//
// [Net.ListenPacket] opens a socket for datagrams: a [PacketConn] reads and writes them one by one or in
// batches. [Conn.SendFile] sends a file, and [Splice] passes on what one connection says to another, both
// without a buffer in the process where the system can do that.
//
// # Code that blocks
//
// [Net.Adopt] takes over a connection of package net, and [Conn.NetConn] gives one to code that knows no
// tasks: its reads and writes block their goroutine. When that is done, tasks go on with the Conn.
//
// # HTTP
//
// [Net.Serve] serves HTTP with package net/http: handlers run on goroutines, and connections that wait for
// a request are tasks.
//
// # Systems
//
// Linux is polled by epoll, macOS and FreeBSD by kqueue. On other systems, and with the build tag
// netio_portable, each wait takes a goroutine.
package netio

//go:generate go run ../cmd/framearena gen .
