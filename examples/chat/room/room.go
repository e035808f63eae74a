// Package room is a chat room: with a task for each member, in tasks.go by hand and in plain.go in
// plain Go, and with a goroutine for each, in goroutines.go.
package room

import (
	"fmt"
	"sync/atomic"
	"time"
)

// Room has members, and tells each of them what one says. Any goroutine may use it.
type Room interface {
	// Join adds a member, whose messages go over the line.
	Join(line Line) (leave func(), err error)

	// Say gives a message to all members. It does not wait for them: a member that has Inbox
	// messages to read already misses it.
	Say(text string) (missed int)

	// Wait waits until all members have left.
	Wait() error
}

// Inbox is how many messages wait for a member.
const Inbox = 4

// Line stands for a member's connection. The member's task or goroutine alone uses it, and it must
// not block.
type Line interface {
	Send(text string)
	Ping() // there was no message for the pause between pings
}

// Counters is a Line that counts, for any number of members.
type Counters struct{ Sent, Pinged atomic.Int64 }

func (c *Counters) Send(string) { c.Sent.Add(1) }
func (c *Counters) Ping()       { c.Pinged.Add(1) }

// Evening has n members join the room, says some messages to all of them, and has them leave. It
// returns how many messages were delivered. It calls full while all members wait for the first
// message.
func Evening(r Room, n, messages int, full func()) (delivered int64, err error) {
	var line Counters
	leaves := make([]func(), 0, n)
	for range n {
		leave, err := r.Join(&line)
		if err != nil {
			return 0, err
		}
		leaves = append(leaves, leave)
	}
	full()
	missed := 0
	for i := range messages {
		missed += r.Say(fmt.Sprintf("message %d", i))
		for line.Sent.Load()+int64(missed) < int64(n)*int64(i+1) {
			time.Sleep(time.Millisecond) // this is how fast people type
		}
	}
	for _, leave := range leaves {
		leave()
	}
	err = r.Wait()
	return line.Sent.Load(), err
}
