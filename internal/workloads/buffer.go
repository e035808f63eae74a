package workloads

import (
	"sync"
	"sync/atomic"

	"github.com/framearena/framearena/coro"
)

const (
	// BufferEnds is how many tasks send over the channel of [Buffer], and how many receive.
	BufferEnds = 4

	// BufferRoom is how many values that channel holds.
	BufferRoom = 128
)

// Buffer has four tasks send the numbers below n to four others, over one channel with room for 128.
// The result is the sum of what was received. It measures a channel that is rarely full or empty.
func Buffer(ex coro.Executor, n int) (uint64, error) {
	return run(ex, buffer.With(buffering{n: n}, sending{c: coro.NewChan[int](BufferRoom)}))
}

// BufferGoroutines is [Buffer] with goroutines.
func BufferGoroutines(n int) (sum uint64) {
	c := make(chan int, BufferRoom)
	var sums [BufferEnds]uint64
	var producers, consumers sync.WaitGroup
	for i := range BufferEnds {
		producers.Go(func() {
			for v := i; v < n; v += BufferEnds {
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
	for _, v := range sums {
		sum += v
	}
	return sum
}

type buffering struct {
	ends coro.Group
	n    int
	sums [BufferEnds]uint64
}

// sending is the channel, and how many producers have not ended: the last one closes it.
type sending struct {
	c    *coro.Chan[int]
	left atomic.Int32
}

type producing struct{ next, n int }

type consuming struct {
	v   int
	sum uint64
}

var (
	buffer = coro.DefineHeld("buffer", func(f *coro.Frame[buffering, uint64], held *sending) coro.Step {
		s := &f.State
		if f.At() == 0 {
			held.left.Store(BufferEnds)
			for i := range BufferEnds {
				coro.SpawnCall(f, &s.ends, producer.With(producing{i, s.n}, held), nil)
				coro.SpawnCall(f, &s.ends, consumer.With(consuming{}, held.c), &s.sums[i])
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

	producer = coro.DefineHeld("producer", func(f *coro.Frame[producing, none], held **sending) coro.Step {
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
		s.next += BufferEnds
		return (*held).c.Send(f, 0, v)
	})

	consumer = coro.DefineHeld("consumer", func(f *coro.Frame[consuming, uint64], c **coro.Chan[int]) coro.Step {
		s := &f.State
		switch {
		case f.Err() == coro.ErrChanClosed:
			return f.Return(s.sum)
		case f.Err() != nil:
			return f.Fail(f.Err())
		case f.At() == 1:
			s.sum += uint64(s.v)
		}
		return (*c).Recv(f, 1, &s.v)
	})
)
