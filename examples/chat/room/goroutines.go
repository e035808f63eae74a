package room

import (
	"sync"
	"time"
)

// Goroutines is a room with a goroutine for each member.
type Goroutines struct {
	Ping time.Duration // the pause between pings

	running sync.WaitGroup
	mu      sync.Mutex // guards members
	members map[chan string]struct{}
}

// Join starts the member's goroutine.
func (r *Goroutines) Join(line Line) (leave func(), err error) {
	inbox := make(chan string, Inbox)
	r.running.Go(func() { r.listen(inbox, line) })
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.members == nil {
		r.members = make(map[chan string]struct{})
	}
	r.members[inbox] = struct{}{}
	return func() { r.leave(inbox) }, nil
}

func (r *Goroutines) leave(inbox chan string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.members[inbox]; ok {
		delete(r.members, inbox)
		close(inbox)
	}
}

// Say is part of Room.
func (r *Goroutines) Say(text string) (missed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for inbox := range r.members {
		select {
		case inbox <- text:
		default:
			missed++
		}
	}
	return missed
}

// Wait is part of Room.
func (r *Goroutines) Wait() error {
	r.running.Wait()
	return nil
}

// listen sends messages to a member until its inbox is closed.
func (r *Goroutines) listen(inbox <-chan string, line Line) {
	pause := time.NewTimer(r.Ping)
	defer pause.Stop()
	for {
		select {
		case text, ok := <-inbox:
			if !ok {
				return
			}
			line.Send(text)
		case <-pause.C:
			line.Ping()
		}
		pause.Reset(r.Ping)
	}
}
