package tasks

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/coro"
)

// Channels: producers send the numbers below n to consumers over one channel. The result is
// the sum of the numbers received.

const (
	channelEnds = 4 // producers, and consumers
	channelRoom = 128
)

type buffering struct {
	ends coro.Group
	n    int
	sums [channelEnds]uint64
}

// sending is the channel, and how many producers have not ended: the last one closes it.
type sending struct {
	c    *coro.Chan[int]
	left atomic.Int32
}

type counting struct{ next, n int }

type adding struct {
	v   int
	sum uint64
}

var (
	buffer = coro.DefineHeld("buffer", func(f *coro.Frame[buffering, uint64], held *sending) coro.Step {
		s := &f.State
		if f.At() == 0 {
			held.left.Store(channelEnds)
			for i := range channelEnds {
				coro.SpawnCall(f, &s.ends, producer.With(counting{i, s.n}, held), nil)
				coro.SpawnCall(f, &s.ends, consumer.With(adding{}, held.c), &s.sums[i])
			}
			return s.ends.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		sum := uint64(0)
		for _, v := range s.sums {
			sum += v
		}
		return f.Return(sum)
	})

	producer = coro.DefineHeld("producer", func(f *coro.Frame[counting, none], held **sending) coro.Step {
		s := &f.State
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if s.next >= s.n {
			if (*held).left.Add(-1) == 0 {
				(*held).c.Close()
			}
			return f.Return(none{})
		}
		v := s.next
		s.next += channelEnds
		return (*held).c.Send(f, 0, v)
	})

	consumer = coro.DefineHeld("consumer", func(f *coro.Frame[adding, uint64], c **coro.Chan[int]) coro.Step {
		s := &f.State
		switch {
		case errors.Is(f.Err(), coro.ErrChanClosed):
			return f.Return(s.sum)
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			s.sum += uint64(s.v)
		}
		return (*c).Recv(f, 1, &s.v)
	})
)

func channels() contest.Discipline {
	tasks := func(ex coro.Executor, n int) error {
		sum, err := run(ex, buffer.With(buffering{n: n}, sending{c: coro.NewChan[int](channelRoom)}))
		if err != nil {
			return err
		}
		return contest.Check("the sum", sum, below(n))
	}
	return contest.Discipline{
		ID: "channels", Group: group, Title: "A channel with room",
		About:   "Four send numbers over a channel with room for 128, four receive them. The time is of one number.",
		Metrics: []contest.Metric{contest.Time, contest.CPU},
		Contestants: []contest.Contestant{
			row("framearena, Pool", contest.Ours, 1, on(pool, tasks), "coro.Chan"),
			row("framearena, Pool of 1 worker", contest.Ours, 1, on(pool1, tasks), ""),
			row("framearena, Inline", contest.Ours, 1, on(inline, tasks), ""),
			row("goroutines", contest.Peer, 1, contest.Do(func(n int) error {
				c := make(chan int, channelRoom)
				var sums [channelEnds]uint64
				var producers, consumers sync.WaitGroup
				for i := range channelEnds {
					producers.Go(func() {
						for v := i; v < n; v += channelEnds {
							c <- v
						}
					})
					consumers.Go(func() {
						sum := uint64(0)
						for v := range c {
							sum += uint64(v)
						}
						sums[i] = sum
					})
				}
				producers.Wait()
				close(c)
				consumers.Wait()
				sum := uint64(0)
				for _, v := range sums {
					sum += v
				}
				return contest.Check("the sum", sum, below(n))
			}), ""),
		},
	}
}
