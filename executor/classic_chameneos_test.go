package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Chameneos-redux: creatures of three colours meet in pairs, n times in all, at a place
// where two have room, and change their colours. The result is how often the creatures met
// another and how often themselves: 2*n and 0. Who meets whom is for the schedule to say.
var chameneos = program[met]{
	tasks: func(ex coro.Executor, n int) (met, error) {
		return run(ex, gathering.With(gatheringState{}, place[*coro.Chan[encounter]]{left: n}))
	},
	goroutines: func(n int) (all met) {
		var mu sync.Mutex // guards place
		place := place[chan encounter]{left: n}
		var mets [len(creatureColours)]met
		var creatures sync.WaitGroup
		for i, colour := range creatureColours {
			creatures.Go(func() {
				me := &creature[chan encounter]{encounter{i, colour}, make(chan encounter, 1)}
				for {
					mu.Lock()
					other, over := place.enter(me)
					mu.Unlock()
					if over {
						return
					}
					if other != nil {
						partner := other.encounter
						other.partner <- me.encounter
						me.meet(partner, &mets[i])
					} else {
						me.meet(<-me.partner, &mets[i])
					}
				}
			})
		}
		creatures.Wait()
		for _, m := range mets {
			all.add(m)
		}
		return all
	},
}

var creatureColours = [...]int8{0, 1, 2, 1, 2, 0, 1, 2, 1, 0}

// encounter is what a creature sees of another.
type encounter struct {
	number int
	colour int8
}

// creature has a channel of type C, on which the one that it waits for sends what it is.
type creature[C any] struct {
	encounter
	partner C
}

func (c *creature[C]) meet(partner encounter, m *met) {
	m.others++
	if partner.number == c.number {
		m.self++
	}
	if partner.colour != c.colour {
		c.colour = 3 - c.colour - partner.colour
	}
}

// place is where they meet.
type place[C any] struct {
	left  int // meetings
	first *creature[C]
}

// enter returns who is there already; if nobody is, c is the first.
func (p *place[C]) enter(c *creature[C]) (other *creature[C], over bool) {
	switch {
	case p.left == 0:
		return nil, true
	case p.first == nil:
		p.first = c
		return nil, false
	}
	other, p.first = p.first, nil
	p.left--
	return other, false
}

// met counts meetings.
type met struct{ others, self int }

func (m *met) add(n met) {
	m.others += n.others
	m.self += n.self
}

type gatheringState struct {
	creatures coro.Group
	mets      [len(creatureColours)]met
}

// lockedPlace is a place, guarded by mu.
type lockedPlace struct {
	mu coro.Mutex
	place[*coro.Chan[encounter]]
}

var gathering = coro.DefineHeld("gathering", func(f *coro.Frame[gatheringState, met], p *place[*coro.Chan[encounter]]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		locked := &lockedPlace{place: *p}
		for i, colour := range creatureColours {
			me := &creature[*coro.Chan[encounter]]{encounter{i, colour}, coro.NewChan[encounter](1)}
			coro.SpawnCall(f, &s.creatures, creatureTask.With(creatureState{}, creatureHeld{locked, me}), &s.mets[i])
		}
		return s.creatures.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	var all met
	for _, m := range s.mets {
		all.add(m)
	}
	return f.Return(all)
})

type creatureState struct {
	met
	partner encounter
}

type creatureHeld struct {
	place *lockedPlace
	me    *creature[*coro.Chan[encounter]]
}

var creatureTask = coro.DefineHeld("creature", func(f *coro.Frame[creatureState, met], held *creatureHeld) coro.Step {
	s, me, p := &f.State, held.me, held.place
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 1: // has the mutex
		other, over := p.enter(me)
		p.mu.Unlock()
		if over {
			return f.Return(s.met)
		}
		if other == nil {
			return me.partner.Recv(f, 2, &s.partner)
		}
		s.partner = other.encounter
		return other.partner.Send(f, 2, me.encounter)
	case 2:
		me.meet(s.partner, &s.met)
	}
	return p.mu.Lock(f, 1)
})

func TestChameneos(t *testing.T) { chameneos.test(t, 0, 1, scaled(5000)) }

// BenchmarkChameneos' operation is a meeting.
func BenchmarkChameneos(b *testing.B) { chameneos.bench(b) }
