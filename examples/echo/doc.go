// Echo is a TCP server with a task for each connection, and the same server with a
// goroutine for each. It opens many connections to itself, most of them idle at any
// moment, and reports what they cost either way:
//
//	go run ./examples/echo
//	go run ./examples/echo -conns 5000 -mode task
//	go run ./examples/echo -json
//
// # How a task waits for a connection
//
// The files of the server are poller_linux.go and server_linux.go. A poller has all
// connections in one epoll set and a [coro.Event] for each, which it sets when the
// system says that there is something to read, or room to write. A task reads until
// nothing is left and then waits for the Event. So it needs a buffer only in a step, where
// it takes one from a pool: an idle connection has a frame of 128 bytes, the Event, and no
// buffer. A goroutine blocks in Read, and has to have its buffer by then.
//
// If the other side does not read what it is sent, there is something to keep for it, and
// then the task awaits a child, flush, that has the buffer in its held part for as long as
// that takes.
//
// The connections' kind has a cleanup, which closes the connection. So closing the pool
// closes all of them, and no list of connections is kept for that.
//
// # How it is measured
//
// Each sort of server has a process of its own, and the clients are in another one, so
// that memory is the server's alone. What the kernel has for a connection, some kilobytes,
// is in neither figure. The clients come from several addresses, 127.0.0.1 and so on: of
// one address, no more than some 28,000 connections to one server are possible.
//
// Memory is that after a garbage collection while all connections are idle and have had
// one message each, less that before there were any, divided by their number. Collections
// are timed then. Latency is
// that of messages which -active goroutines of the client send, each over all of its
// connections in turn, one message at a time. Server and clients share the machine's
// processors, so compare the columns and not the figures with those of other machines.
//
// -conns is the number of connections; if the system does not let a process have as many
// files open, there are fewer, and the report says so. -buffer is the size of the
// buffers, of both sorts of server.
//
// It runs on Linux only.
package main
