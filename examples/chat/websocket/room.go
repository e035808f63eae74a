package main

import (
	"sync"

	"github.com/gobwas/ws"
)

// rooms are the rooms that have members. Any goroutine may use them. The locks are held for a few
// instructions, and never while a task waits.
type rooms struct {
	mu     sync.Mutex       // guards the fields below; it is locked before a room's
	byName map[string]*room // nil if there was none yet
	closed bool             // nobody joins any more
}

// room has members, and tells each of them what one says. Any goroutine may use it.
type room struct {
	name string

	mu      sync.Mutex // guards members, and whether their queues are open
	members map[*member]struct{}
}

// join lets a member into a room, whose first frame is the given one. It reports false if the rooms are closed.
func (r *rooms) join(name string, m *member, first []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	if r.byName == nil {
		r.byName = make(map[string]*room)
	}
	in := r.byName[name]
	if in == nil {
		in = &room{name: name, members: make(map[*member]struct{})}
		r.byName[name] = in
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	m.room = in
	in.members[m] = struct{}{}
	m.out.TrySend(first) // the queue is empty
	return true
}

// leave takes a member out of its room, with a last frame or nil. It reports false if it has left already.
func (r *rooms) leave(m *member, last []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := m.room
	in.mu.Lock()
	defer in.mu.Unlock()
	left := in.remove(m, last)
	if len(in.members) == 0 && r.byName[in.name] == in {
		delete(r.byName, in.name)
	}
	return left
}

// close has all members leave with a close frame, and lets nobody in any more.
func (r *rooms) close() {
	r.mu.Lock()
	r.closed = true
	var all []*member
	for _, in := range r.byName {
		in.mu.Lock()
		for m := range in.members {
			all = append(all, m)
		}
		in.mu.Unlock()
	}
	r.mu.Unlock()
	for _, m := range all {
		m.leave(ws.CompiledCloseGoingAway)
	}
}

// remove removes a member and closes its queue. The caller holds mu.
func (in *room) remove(m *member, last []byte) bool {
	if _, ok := in.members[m]; !ok {
		return false
	}
	delete(in.members, m)
	if last != nil {
		m.out.TrySend(last) // a member whose queue is full gets no close frame
	}
	m.out.Close()
	return true
}

// say gives a frame to all members, for one of them. It does not wait: those whose queues are full are dropped.
func (in *room) say(by *member, frame []byte) {
	var slow []*member
	in.mu.Lock()
	if _, ok := in.members[by]; ok { // who has left says nothing
		for m := range in.members {
			if !m.out.TrySend(frame) {
				slow = append(slow, m)
			}
		}
	}
	in.mu.Unlock()
	for _, m := range slow {
		m.end(errSlow)
	}
}

// tell gives a frame to one member.
func (in *room) tell(m *member, frame []byte) {
	in.mu.Lock()
	_, ok := in.members[m]
	slow := ok && !m.out.TrySend(frame)
	in.mu.Unlock()
	if slow {
		m.end(errSlow)
	}
}
