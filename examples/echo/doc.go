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
// The server is in server.go, on package [netio]. A task waits in Readable, which needs no buffer, and then
// borrows one for as long as it takes to read and to write. So an idle connection has a frame of 128 bytes and
// its slot in the Net. A goroutine needs its buffer before it blocks in Read.
//
// If the other side does not read, the task keeps its buffer until everything is sent, and reads nothing
// meanwhile.
//
// Closing the Net closes all connections, and the tasks that wait for them end. So the server needs no list of
// them.
//
// # How it is measured
//
// Each server has a process of its own, and the clients are in another one, so that the
// memory is that of the server alone. The kernel's memory for a connection, some kilobytes,
// is not in the figures. On Linux the clients connect from several addresses, 127.0.0.1 and so on: from
// one address, at most some 28,000 connections to one server are possible. Elsewhere there are at most 10,000
// connections.
//
// The memory of a connection is the resident memory after a garbage collection, while all
// connections are idle and have had one message each, less the resident memory before the
// first connection, divided by the number of connections. On other systems than Linux it is the memory
// of the Go heap, of stacks and of frames. Collections are timed at the same
// moment. Under load, -active goroutines of the clients send one message at a time each, over
// their connections in turn; latency is the time until the echo. Server and clients share
// the machine's processors, so compare the servers with each other, not with figures of other
// machines.
//
// -conns is the number of connections. If the system does not allow a process that many, there are fewer,
// and the report says so. -buffer is the size of the buffers of both servers.
//
// [netio]: https://pkg.go.dev/github.com/framearena/framearena/netio
package main
