package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Fan-out, fan-in: the numbers below n go to a number of workers through one channel, and
// what these make of them comes back through another one. The result is the sum of that.
var fanOutIn = program[uint64]{
	tasks: func(ex coro.Executor, n int) (uint64, error) {
		return run(ex, fan.With(fanning{n: n}, fanHeld{coro.NewChan[int](fanRoom), coro.NewChan[uint64](fanRoom)}))
	},
	goroutines: func(n int) (sum uint64) {
		jobs, results := make(chan int, fanRoom), make(chan uint64, fanRoom)
		go func() {
			for i := range n {
				jobs <- i
			}
			close(jobs)
		}()
		var workers sync.WaitGroup
		for range fanWorkers {
			workers.Go(func() {
				for job := range jobs {
					results <- fanWork(job)
				}
			})
		}
		go func() {
			workers.Wait()
			close(results)
		}()
		for r := range results {
			sum += r
		}
		return sum
	},
}

const (
	fanWorkers = 8
	fanRoom    = 16
)

func fanWork(job int) uint64 { return utsChild(uint64(job), job) >> 32 }

type fanning struct {
	parts coro.Group
	n     int
	sum   uint64
}

type fanHeld struct {
	jobs    *coro.Chan[int]
	results *coro.Chan[uint64]
}

var fan = coro.DefineHeld("fan", func(f *coro.Frame[fanning, uint64], held *fanHeld) coro.Step {
	s := &f.State
	if f.At() == 0 {
		coro.SpawnCall(f, &s.parts, numbers.With(counted{n: s.n}, held.jobs), nil)
		coro.SpawnCall(f, &s.parts, fanOut.With(fanningOut{}, *held), nil)
		coro.SpawnCall(f, &s.parts, fanIn.With(fanningIn{}, *held), &s.sum)
		return s.parts.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.sum)
})

type fanningOut struct{ workers coro.Group }

// fanOut has the workers, and closes the results when they have ended.
var fanOut = coro.DefineHeld("fan out", func(f *coro.Frame[fanningOut, none], held *fanHeld) coro.Step {
	s := &f.State
	if f.At() == 0 {
		for range fanWorkers {
			coro.SpawnCall(f, &s.workers, fanWorker.With(fanJob{}, *held), nil)
		}
		return s.workers.Wait(f, 1)
	}
	held.results.Close()
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(none{})
})

type fanJob struct{ job int }

var fanWorker = coro.DefineHeld("fan worker", func(f *coro.Frame[fanJob, none], held *fanHeld) coro.Step {
	s := &f.State
	switch {
	case f.Err() == coro.ErrChanClosed:
		return f.Return(none{})
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		return held.results.Send(f, 0, fanWork(s.job))
	default:
		return held.jobs.Recv(f, 1, &s.job)
	}
})

type fanningIn struct{ v, sum uint64 }

var fanIn = coro.DefineHeld("fan in", func(f *coro.Frame[fanningIn, uint64], held *fanHeld) coro.Step {
	s := &f.State
	switch {
	case f.Err() == coro.ErrChanClosed:
		return f.Return(s.sum)
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		s.sum += s.v
	}
	return held.results.Recv(f, 1, &s.v)
})

func TestFanOutFanIn(t *testing.T) { fanOutIn.test(t, 0, 1, scaled(5000)) }

// BenchmarkFanOutFanIn's operation is a number that goes out and comes in.
func BenchmarkFanOutFanIn(b *testing.B) { fanOutIn.bench(b) }
