package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// ringSize is how many tasks the ring has.
const ringSize = 503

// Thread ring: a token makes n hops around a ring of tasks. The result is the number of
// the one that gets it last.
var threadRing = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return run(ex, ring.With(ringing{n: n}, ringHeld{}))
	},
	goroutines: func(n int) (last int) {
		var links [ringSize]chan int
		for i := range links {
			links[i] = make(chan int, 1)
		}
		var members sync.WaitGroup
		for i := range links {
			members.Go(func() {
				in, out := links[i], links[(i+1)%ringSize]
				for token := range in {
					if token == 0 {
						last = i
						break
					}
					out <- token - 1
				}
				close(out)
			})
		}
		links[0] <- n
		members.Wait()
		return last
	},
}

type ringing struct {
	members coro.Group
	n       int
}

type ringHeld struct {
	links [ringSize]*coro.Chan[int]
	last  int // written by one task, the last
}

var ring = coro.DefineHeld("ring", func(f *coro.Frame[ringing, int], held *ringHeld) coro.Step {
	s := &f.State
	if f.At() == 0 {
		for i := range held.links {
			held.links[i] = coro.NewChan[int](1)
		}
		for i, in := range held.links {
			coro.SpawnCall(f, &s.members, ringMember.With(member{i: i}, memberHeld{in, held.links[(i+1)%ringSize], &held.last}), nil)
		}
		held.links[0].TrySend(s.n)
		return s.members.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(held.last)
})

type member struct{ i, token int }

type memberHeld struct {
	in, out *coro.Chan[int]
	last    *int
}

var ringMember = coro.DefineHeld("ring member", func(f *coro.Frame[member, none], held *memberHeld) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil && f.Err() != coro.ErrChanClosed:
		return f.Fail(f.Err())
	case f.Err() != nil:
		held.out.Close()
		return f.Return(none{})
	case f.At() == 0:
		return held.in.Recv(f, 1, &s.token)
	case s.token == 0:
		*held.last = s.i
		held.out.Close()
		return f.Return(none{})
	default:
		return held.out.Send(f, 0, s.token-1)
	}
})

func TestThreadRing(t *testing.T) { threadRing.test(t, 0, 1, 1000, scaled(50_000)) }

// BenchmarkThreadRing's operation is a hop.
func BenchmarkThreadRing(b *testing.B) { threadRing.bench(b) }
