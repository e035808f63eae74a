package room

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// Plain is a room in plain Go, which is compiled: it has a task for each member.
type Plain struct {
	Pool *executor.Pool // of this room alone, since Wait drains it
	Ping time.Duration  // the pause between pings

	mu      sync.Mutex // guards members
	members map[*task.Chan[string]]struct{}
}

// Join launches the member's task.
func (r *Plain) Join(line Line) (leave func(), err error) {
	inbox := task.NewChan[string](Inbox)
	if err := task.Go(r.Pool, task.Do3(attend, r.Ping, inbox, line)); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = make(map[*task.Chan[string]]struct{})
	}
	r.members[inbox] = struct{}{}
	return func() { r.leave(inbox) }, nil
}

func (r *Plain) leave(inbox *task.Chan[string]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.members[inbox]; ok {
		delete(r.members, inbox)
		inbox.Close()
	}
}

// Say is part of Room.
func (r *Plain) Say(text string) (missed int) {
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
func (r *Plain) Wait() error { return r.Pool.Drain(context.Background()) }

// attend sends messages to a member until its inbox is closed.
func attend(t *task.T, ping time.Duration, inbox *task.Chan[string], line Line) error {
	for {
		var text string
		switch first, err := task.Select(t, task.Recv(inbox, &text), task.After(ping)); {
		case errors.Is(err, task.ErrChanClosed):
			return nil
		case err != nil:
			return err
		case first == 0:
			line.Send(text)
		default:
			line.Ping()
		}
	}
}
