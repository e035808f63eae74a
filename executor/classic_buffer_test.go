package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Bounded buffer: producers put the numbers below n into a buffer with few places, and
// consumers take them out, with a mutex and two conditions as in the textbooks. The result
// is the sum of what was taken.
var boundedBuffer = program[int]{
	tasks: func(ex coro.Executor, n int) (int, error) {
		return run(ex, tradeTask.With(trade{n: n}, new(taskBuffer)))
	},
	goroutines: func(n int) (sum int) {
		var mu sync.Mutex // guards buffer
		var buffer buffer
		notFull, notEmpty := sync.NewCond(&mu), sync.NewCond(&mu)
		var sums [tradersPerSide]int
		var traders sync.WaitGroup
		for i := range tradersPerSide {
			traders.Go(func() {
				for v := i; v < n; v += tradersPerSide {
					mu.Lock()
					for buffer.full() {
						notFull.Wait()
					}
					buffer.put(v)
					notEmpty.Signal()
					mu.Unlock()
				}
			})
			traders.Go(func() {
				for v := i; v < n; v += tradersPerSide {
					mu.Lock()
					for buffer.empty() {
						notEmpty.Wait()
					}
					sums[i] += buffer.take()
					notFull.Signal()
					mu.Unlock()
				}
			})
		}
		traders.Wait()
		for _, v := range sums {
			sum += v
		}
		return sum
	},
}

const tradersPerSide = 4

// buffer is a queue with few places.
type buffer struct {
	values   [8]int
	in, used int
}

func (b *buffer) full() bool  { return b.used == len(b.values) }
func (b *buffer) empty() bool { return b.used == 0 }

func (b *buffer) put(v int) {
	b.values[b.in%len(b.values)] = v
	b.in++
	b.used++
}

func (b *buffer) take() int {
	b.used--
	return b.values[(b.in-b.used-1)%len(b.values)]
}

// taskBuffer is a buffer, guarded by mu.
type taskBuffer struct {
	mu                coro.Mutex
	notFull, notEmpty *coro.Cond
	buffer
}

type trade struct {
	traders coro.Group
	n       int
	sums    [tradersPerSide]int
}

var tradeTask = coro.DefineHeld("trade", func(f *coro.Frame[trade, int], held **taskBuffer) coro.Step {
	s := &f.State
	if f.At() == 0 {
		b := *held
		b.notFull, b.notEmpty = coro.NewCond(&b.mu), coro.NewCond(&b.mu)
		for i := range tradersPerSide {
			coro.SpawnCall(f, &s.traders, producer.With(trader{next: i, n: s.n}, b), nil)
			coro.SpawnCall(f, &s.traders, consumer.With(trader{next: i, n: s.n}, b), &s.sums[i])
		}
		return s.traders.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	sum := 0
	for _, v := range s.sums {
		sum += v
	}
	return f.Return(sum)
})

type trader struct{ next, n, sum int }

var producer = coro.DefineHeld("producer", func(f *coro.Frame[trader, none], held **taskBuffer) coro.Step {
	s, b := &f.State, *held
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 1 { // has the mutex
		if b.full() {
			return b.notFull.Wait(f, 1)
		}
		b.put(s.next)
		s.next += tradersPerSide
		b.notEmpty.Signal()
		b.mu.Unlock()
	}
	if s.next >= s.n {
		return f.Return(none{})
	}
	return b.mu.Lock(f, 1)
})

var consumer = coro.DefineHeld("consumer", func(f *coro.Frame[trader, int], held **taskBuffer) coro.Step {
	s, b := &f.State, *held
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 1 { // has the mutex
		if b.empty() {
			return b.notEmpty.Wait(f, 1)
		}
		s.sum += b.take()
		s.next += tradersPerSide
		b.notFull.Signal()
		b.mu.Unlock()
	}
	if s.next >= s.n {
		return f.Return(s.sum)
	}
	return b.mu.Lock(f, 1)
})

func TestBoundedBuffer(t *testing.T) { boundedBuffer.test(t, 0, 1, 5, scaled(5000)) }

// BenchmarkBoundedBuffer's operation is a number that goes through the buffer.
func BenchmarkBoundedBuffer(b *testing.B) { boundedBuffer.bench(b) }
