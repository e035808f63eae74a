package workloads

import (
	"sync"

	"github.com/framearena/framearena/coro"
)

const (
	// FanWorkers is how many workers [FanOutIn] has.
	FanWorkers = 8

	// FanRoom is how many values each of its channels holds.
	FanRoom = 16
)

// FanOutIn sends the numbers below n to eight workers over one channel. Each worker sends
// what work makes of a number over another channel, and one task adds up what comes from it.
// The result is that sum. Both channels have room for 16.
//
// It measures channels with several receivers or several senders, and how work is spread
// over the workers of a pool. work is called by several goroutines at the same time.
func FanOutIn(ex coro.Executor, n int, work func(uint64) uint64) (uint64, error) {
	return run(ex, fan.With(fanning{n: n}, fanHeld{coro.NewChan[uint64](FanRoom), coro.NewChan[uint64](FanRoom), work}))
}

// FanOutInGoroutines is [FanOutIn] with goroutines.
func FanOutInGoroutines(n int, work func(uint64) uint64) (sum uint64) {
	jobs, results := make(chan uint64, FanRoom), make(chan uint64, FanRoom)
	go func() {
		for i := range n {
			jobs <- uint64(i)
		}
		close(jobs)
	}()
	var workers sync.WaitGroup
	for range FanWorkers {
		workers.Go(func() {
			for job := range jobs {
				results <- work(job)
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
}

type fanning struct {
	parts coro.Group
	n     int
	sum   uint64
}

// fanHeld is what all parts of the fan have.
type fanHeld struct {
	jobs, results *coro.Chan[uint64]
	work          func(uint64) uint64
}

var fan = coro.DefineHeld("fan", func(f *coro.Frame[fanning, uint64], held *fanHeld) coro.Step {
	s := &f.State
	if f.At() == 0 {
		coro.SpawnCall(f, &s.parts, fanSource.With(upTo{n: s.n}, *held), nil)
		coro.SpawnCall(f, &s.parts, fanOut.With(fanningOut{}, *held), nil)
		coro.SpawnCall(f, &s.parts, fanIn.With(fanningIn{}, *held), &s.sum)
		return s.parts.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.sum)
})

// fanSource sends the numbers, and closes the jobs.
var fanSource = coro.DefineHeld("fan source", func(f *coro.Frame[upTo, none], held *fanHeld) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if s.next == s.n {
		held.jobs.Close()
		return f.Return(none{})
	}
	s.next++
	return held.jobs.Send(f, 0, uint64(s.next-1))
})

type fanningOut struct{ workers coro.Group }

// fanOut spawns the workers, and closes the results when all of them have ended.
var fanOut = coro.DefineHeld("fan out", func(f *coro.Frame[fanningOut, none], held *fanHeld) coro.Step {
	s := &f.State
	if f.At() == 0 {
		for range FanWorkers {
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

type fanJob struct{ job uint64 }

var fanWorker = coro.DefineHeld("fan worker", func(f *coro.Frame[fanJob, none], held *fanHeld) coro.Step {
	s := &f.State
	switch {
	case f.Err() == coro.ErrChanClosed:
		return f.Return(none{})
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		return held.results.Send(f, 0, held.work(s.job))
	default:
		return held.jobs.Recv(f, 1, &s.job)
	}
})

type fanningIn struct{ v, sum uint64 }

// fanIn adds up the results.
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
