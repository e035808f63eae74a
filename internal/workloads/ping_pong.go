package workloads

import (
	"sync"

	"github.com/framearena/framearena/coro"
)

// PingPong hands a number from one task to another and back, n times, over channels without
// room: neither task can do anything while the other has the number. So it measures how fast
// a task waits and how fast it is woken. The result is the sum of what came back: of the
// numbers below n, each plus 1.
func PingPong(ex coro.Executor, n int) (int, error) {
	return run(ex, rally.With(rallying{n: n}, table{coro.NewChan[int](0), coro.NewChan[int](0)}))
}

// PingPongGoroutines is [PingPong] with two goroutines.
func PingPongGoroutines(n int) (sum int) {
	ping, pong := make(chan int), make(chan int)
	var players sync.WaitGroup
	players.Go(func() {
		defer close(ping)
		for i := range n {
			ping <- i
			sum += <-pong
		}
	})
	players.Go(func() {
		for v := range ping {
			pong <- v + 1
		}
	})
	players.Wait()
	return sum
}

// table is what both players have.
type table struct{ ping, pong *coro.Chan[int] }

type rallying struct {
	players coro.Group
	n, sum  int
}

var rally = coro.DefineHeld("rally", func(f *coro.Frame[rallying, int], t *table) coro.Step {
	s := &f.State
	if f.At() == 0 {
		coro.SpawnCall(f, &s.players, server.With(serving{n: s.n}, *t), &s.sum)
		coro.SpawnCall(f, &s.players, returner.With(0, *t), nil)
		return s.players.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.sum)
})

type serving struct{ i, n, sum, back int }

var server = coro.DefineHeld("server", func(f *coro.Frame[serving, int], t *table) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 1:
		return t.pong.Recv(f, 2, &s.back)
	case 2:
		s.sum += s.back
	}
	if s.i == s.n {
		t.ping.Close()
		return f.Return(s.sum)
	}
	s.i++
	return t.ping.Send(f, 1, s.i-1)
})

var returner = coro.DefineHeld("returner", func(f *coro.Frame[int, none], t *table) coro.Step {
	switch {
	case f.Err() == coro.ErrChanClosed:
		return f.Return(none{})
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return t.ping.Recv(f, 1, &f.State)
	default:
		return t.pong.Send(f, 0, f.State+1)
	}
})
