package coro_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The pipeline of docs/hand-written-steps.md: feed, then several of work, then gather.

// job is an item of work, and how long it may take.
type job struct {
	n     int
	limit time.Duration
}

type answer struct {
	value int
	late  bool // there is no value
}

var (
	errBusy    = errors.New("busy")
	errUnknown = errors.New("unknown item")
)

type asking struct{ n, attempt int }

// ask stands for a request to a service. The service is busy at times, does not
// know negative numbers, and never answers the request for 13.
var ask = coro.Define("ask", func(f *coro.Frame[asking, int]) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		return f.Return(10 * s.n)
	case s.n < 0:
		return f.Fail(errUnknown)
	case s.n%3 == 0 && s.attempt < 2:
		return f.Fail(errBusy)
	case s.n == 13:
		return coro.Sleep(f, 1, time.Hour)
	default:
		return coro.Sleep(f, 1, time.Millisecond)
	}
})

type insisting struct{ n, attempt, answer int }

// insist asks again while the service is busy, and doubles the pause each time.
var insist = coro.Define("insist", func(f *coro.Frame[insisting, int]) coro.Step {
	switch s := &f.State; f.At() {
	case 0: // the task begins, or has slept
		if f.Err() != nil {
			return f.Fail(f.Err()) // there is no time left
		}
		return coro.Await(f, 1, ask, asking{s.n, s.attempt}, &s.answer)
	case 1:
		if errors.Is(f.Err(), errBusy) {
			s.attempt++
			return coro.Sleep(f, 0, time.Millisecond<<min(s.attempt, 10))
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(s.answer)
	default:
		return f.BadResume()
	}
})

// stage is the held part of the stages: the channels between them.
type stage struct {
	in  *coro.Chan[job]
	out *coro.Chan[answer]
}

type working struct {
	job    job
	answer int
}

// work does one job after the other, and reports those that take too long.
var work = coro.DefineHeld("work", func(f *coro.Frame[working, struct{}], held *stage) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return held.in.Recv(f, 1, &s.job)
	case 1:
		if errors.Is(f.Err(), coro.ErrChanClosed) { // there are no more jobs
			return f.Return(struct{}{})
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return coro.AwaitCall(f, 2, insist.With(insisting{n: s.job.n}), &s.answer, coro.Timeout(s.job.limit))
	case 2:
		if errors.Is(f.Err(), context.DeadlineExceeded) {
			return held.out.Send(f, 0, answer{late: true})
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return held.out.Send(f, 0, answer{value: s.answer})
	default:
		return f.BadResume()
	}
})

type crewing struct {
	workers coro.Group
	n       int
}

// crew runs n tasks of work at the same time, and closes out when all have ended.
var crew = coro.DefineHeld("crew", func(f *coro.Frame[crewing, struct{}], held *stage) coro.Step {
	s := &f.State
	if f.At() == 0 {
		s.workers.SetPolicy(f, coro.FirstError)
		for range s.n {
			coro.SpawnCall(f, &s.workers, work.With(working{}, *held), nil)
		}
		return s.workers.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	held.out.Close()
	return f.Return(struct{}{})
})

// source is a held part.
type source struct {
	jobs []job
	out  *coro.Chan[job]
}

// feed sends all jobs. Its state is the number of the next one.
var feed = coro.DefineHeld("feed", func(f *coro.Frame[int, struct{}], held *source) coro.Step {
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.State == len(held.jobs) {
		held.out.Close()
		return f.Return(struct{}{})
	}
	f.State++
	return held.out.Send(f, 0, held.jobs[f.State-1])
})

type report struct{ sum, late int }

type gathering struct {
	next   answer
	report report
}

// gather adds up the answers.
var gather = coro.DefineHeld("gather", func(f *coro.Frame[gathering, report], held *stage) coro.Step {
	s := &f.State
	if f.At() == 1 {
		switch {
		case errors.Is(f.Err(), coro.ErrChanClosed):
			return f.Return(s.report)
		case f.Err() != nil:
			return f.Fail(f.Err())
		case s.next.late:
			s.report.late++
		default:
			s.report.sum += s.next.value
		}
	}
	return held.out.Recv(f, 1, &s.next)
})

type running struct {
	stages coro.Group
	report report
}

// pipeline does the jobs, four at a time.
var pipeline = coro.DefineHeld("pipeline", func(f *coro.Frame[running, report], jobs *[]job) coro.Step {
	s := &f.State
	if f.At() == 0 {
		between := stage{coro.NewChan[job](8), coro.NewChan[answer](8)}
		s.stages.SetPolicy(f, coro.FirstError) // if one fails, all end
		coro.SpawnCall(f, &s.stages, feed.With(0, source{*jobs, between.in}), nil)
		coro.SpawnCall(f, &s.stages, crew.With(crewing{n: 4}, between), nil)
		coro.SpawnCall(f, &s.stages, gather.With(gathering{}, between), &s.report)
		return s.stages.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.report)
})

func Example_pipeline() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour) // for all together
	defer cancel()

	var jobs []job
	for n := range 20 {
		jobs = append(jobs, job{n, time.Minute})
	}
	jobs[13].limit = 10 * time.Millisecond
	fmt.Println(coro.Run(ctx, pool, pipeline.With(running{}, jobs)))

	jobs = append(jobs, job{-1, time.Minute})
	fmt.Println(coro.Run(ctx, pool, pipeline.With(running{}, jobs)))

	// Output:
	// {1770 1} <nil>
	// {0 0} unknown item
}
