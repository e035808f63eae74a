package room

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Tasks is a room with a task for each member.
type Tasks struct {
	Pool *executor.Pool // of this room alone, since Wait drains it
	Ping time.Duration  // the pause between pings

	mu      sync.Mutex // guards members; steps hold it for a moment only
	members map[*coro.Chan[string]]struct{}
}

// Join launches the member's task.
func (r *Tasks) Join(line Line) (leave func(), err error) {
	inbox := coro.NewChan[string](Inbox)
	m := member{inbox: inbox, line: line}
	if err := coro.GoHeld(r.Pool, listen, listening{ping: r.Ping}, m); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = make(map[*coro.Chan[string]]struct{})
	}
	r.members[inbox] = struct{}{}
	return func() { r.leave(inbox) }, nil
}

// leave closes the member's inbox, which ends the task when it has read what is there.
func (r *Tasks) leave(inbox *coro.Chan[string]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.members[inbox]; ok {
		delete(r.members, inbox)
		inbox.Close()
	}
}

// Say is part of Room.
func (r *Tasks) Say(text string) (missed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for inbox := range r.members {
		if !inbox.TrySend(text) {
			missed++
		}
	}
	return missed
}

// Wait is part of Room. No member can join any more.
func (r *Tasks) Wait() error { return r.Pool.Drain(context.Background()) }

// listening is the state of listen.
type listening struct {
	ping  time.Duration
	first int // the case that happened first: 0 a message, 1 the end of the pause
}

// member is the held part of listen, on the Go heap: it holds pointers.
type member struct {
	inbox *coro.Chan[string]
	line  Line
	text  string // receives a message
}

// listen sends messages to a member until its inbox is closed.
var listen = coro.DefineHeld("member", func(f *coro.Frame[listening, none], held *member) coro.Step {
	s := &f.State
	if f.At() == 1 {
		switch {
		case errors.Is(f.Err(), coro.ErrChanClosed): // the member has left
			return f.Return(none{})
		case f.Err() != nil:
			return f.Fail(f.Err())
		case s.first == 0:
			held.line.Send(held.text)
			held.text = "" // the room may be quiet for hours
		default:
			held.line.Ping()
		}
	}
	return coro.Select(f, 1, &s.first, held.inbox.RecvCase(&held.text), coro.After(s.ping))
})

type none = struct{}
