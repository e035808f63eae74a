// Websocket is a chat server: what one says in a room is sent to all members of the room. It is meant to be
// copied. It is a module of its own, since its frames are those of github.com/gobwas/ws. In this folder:
//
//	go run .
//	go run . -listen 127.0.0.1:8443 -cert cert.pem -key key.pem
//
// A room is the path of the URL, for example ws://127.0.0.1:8080/tea. It exists while it has members.
//
// # What it shows
//
// An idle member has two tasks, one that reads and one that writes. It has no goroutine and no buffer:
// the reader waits in Readable, and borrows a buffer when there is something to read; the writer waits for its
// queue, which has no memory while it is empty.
//
// Nothing blocks a worker. gobwas/ws has functions that read and write frames by io.Reader and io.Writer:
// here they get bytes that are there already, and the tasks do the waiting.
//
// Each thing that a peer can do has a bound:
//
//	connections                      -limit; more wait in the system
//	TLS and the head of the request  -handshake, and 4 KiB
//	a message                        -message bytes, and -receive from its first byte to its last one
//	what it does not read            a queue of -queue frames; who does not keep up is dropped
//	silence                          -ping, then a ping; the member is dropped if there is silence again
//	the end                          -closing, for the close frame and for the peer's end of the data
//
// After SIGINT or SIGTERM all members get a close frame, and have the time of -closing.
//
// # Files
//
//	main.go      the flags, and the end
//	server.go    accepts, and has a session for each connection
//	upgrade.go   from a connection to a WebSocket
//	frame.go     frames and messages of bytes; it does not wait
//	member.go    the reader and the writer of a member
//	room.go      rooms, and who is in them
package main
