package tasks

import (
	"iter"
	"sync"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
)

// Ping-pong: two hand a number to and fro, n times. The result is the sum of what came back.

// table is what both players have.
type table struct{ ping, pong *coro.Chan[int] }

type rallying struct {
	players coro.Group
	n, sum  int
}

type serving struct{ i, n, sum, back int }

var (
	rally = coro.DefineHeld("rally", func(f *coro.Frame[rallying, int], t *table) coro.Step {
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

	server = coro.DefineHeld("server", func(f *coro.Frame[serving, int], t *table) coro.Step {
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

	returner = coro.DefineHeld("returner", func(f *coro.Frame[int, none], t *table) coro.Step {
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
)

func pingPong() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		sum, err := run(ex, rally.With(rallying{n: n}, table{coro.NewChan[int](0), coro.NewChan[int](0)}))
		if err != nil {
			return err
		}
		return contest.Check("the sum", uint64(sum), below(n)+uint64(n))
	}
	return contest.Discipline{
		ID: "ping-pong", Group: group, Title: "Ping-pong",
		About:   "Two hand a number to and fro over channels without room. The time is of a round trip.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Chan"),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("goroutines", contest.Peer, 1, contest.Do(func(n int) error {
				ping, pong := make(chan int), make(chan int)
				sum := 0
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
				return contest.Check("the sum", uint64(sum), below(n)+uint64(n))
			}), ""),
			row("iter.Pull", contest.Peer, 1, contest.Do(func(n int) error {
				var v int // on the way to the other player
				next, stop := iter.Pull(func(yield func(int) bool) {
					for yield(v + 1) {
					}
				})
				defer stop()
				sum := 0
				for v = range n {
					back, _ := next()
					sum += back
				}
				return contest.Check("the sum", uint64(sum), below(n)+uint64(n))
			}), "no channels: one is the other's coroutine, and the way there is a variable"),
		},
	}
}
