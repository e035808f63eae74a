// Echo is a TCP server with a task for each connection, and the same server with a
// goroutine for each. It opens many connections to itself, most of which are idle at any
// moment, and reports what they cost with either server:
//
//	go run ./examples/echo
//	go run ./examples/echo -conns 5000 -mode task
//	go run ./examples/echo -json
//
// # How a task waits for a connection
//
// The server is in poller_linux.go and server_linux.go. A poller has all connections in one
// epoll set, and a [coro.Event] for each. It sets the Event when the system reports that
// there is something to read, or room to write. A task reads until nothing is left, and then
// waits for the Event. So it needs a buffer only within a step, and takes it from a
// sync.Pool: an idle connection has a frame of 128 bytes and the Event, and no buffer. A
// goroutine needs its buffer before it blocks in Read.
//
// If the other side does not read, the server has to keep the bytes that it could not send.
// Then the task awaits a child, flush, which has the buffer in its held part until everything
// is sent.
//
// The kind of the connections' tasks has a cleanup, which closes the connection. So closing
// the pool closes all connections, and the server needs no list of them.
//
// # How it is measured
//
// Each server has a process of its own, and the clients are in another one, so that the
// memory is that of the server alone. The kernel's memory for a connection, some kilobytes,
// is not in the figures. The clients connect from several addresses, 127.0.0.1 and so on:
// from one address, at most some 28,000 connections to one server are possible.
//
// The memory of a connection is the resident memory after a garbage collection, while all
// connections are idle and have had one message each, less the resident memory before the
// first connection, divided by the number of connections. Collections are timed at the same
// moment. Under load, -active goroutines of the clients send one message at a time each, over
// their connections in turn; latency is the time until the echo. Server and clients share
// the machine's processors, so compare the servers with each other, not with figures of other
// machines.
//
// -conns is the number of connections. If the system does not allow a process that many open
// files, there are fewer, and the report says so. -buffer is the size of the buffers of both
// servers.
//
// The program runs on Linux only.
package main
