// Proxy passes TCP connections on to a target, until it gets SIGINT or SIGTERM. It has two tasks for each
// connection, one for each direction, and no buffer while nothing is said:
//
//	go run ./examples/proxy
//	go run ./examples/proxy -listen 127.0.0.1:7000 -target 127.0.0.1:7001 -limit 100 -idle 1m
//
// It shows how to
//
//   - pass on bytes and the end of each half, with [netio.Splice] and CloseWrite;
//   - stop a sender whose receiver is slow: Splice reads no more than one step can hold, so what is not
//     read stays with the system of the sender, not in the memory of the proxy;
//   - limit the connections: a semaphore is acquired before Accept. What is above the limit waits in the
//     queue of the system, and is not refused;
//   - end connections that were silent for too long, and dials that take too long;
//   - end in a bounded time: the listener is closed, the connections may go on for the time -grace, and
//     those that are left are cancelled. A second signal ends the process at once.
//
// proxy.go has the tasks, main.go the flags and the end.
//
// [netio.Splice]: https://pkg.go.dev/github.com/framearena/framearena/netio#Splice
package main
