package task_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// The pipeline of docs/tasks.md: feed, then several of work, then gather.

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

// ask stands for a request to a service. The service is busy at times, does not
// know negative numbers, and never answers the request for 13.
func ask(t *task.T, n, attempt int) (int, error) {
	switch {
	case n < 0:
		return 0, errUnknown
	case n%3 == 0 && attempt < 2:
		return 0, errBusy
	case n == 13:
		return 0, t.Sleep(time.Hour)
	default:
		return 10 * n, t.Sleep(time.Millisecond)
	}
}

// insist asks again while the service is busy, and doubles the pause each time.
func insist(t *task.T, n int) (int, error) {
	for attempt := 0; ; attempt++ {
		value, err := ask(t, n, attempt)
		if !errors.Is(err, errBusy) {
			return value, err
		}
		if err := t.Sleep(time.Millisecond << min(attempt, 10)); err != nil {
			return 0, err // there is no time left
		}
	}
}

// work does one job after the other, and reports those that take too long.
func work(t *task.T, in *task.Chan[job], out *task.Chan[answer]) error {
	for j := range in.All(t) {
		var a answer
		err := task.Timeout(t, j.limit, func(t *task.T) (err error) {
			a.value, err = insist(t, j.n)
			return err
		})
		if errors.Is(err, context.DeadlineExceeded) {
			a = answer{late: true}
		} else if err != nil {
			return err
		}
		if err := out.Send(t, a); err != nil {
			return err
		}
	}
	return t.Err() // nil if there are no more jobs
}

// crew runs n of work at the same time, and closes out when all have ended.
func crew(t *task.T, n int, in *task.Chan[job], out *task.Chan[answer]) error {
	var workers task.Group
	workers.SetPolicy(task.FirstError)
	for range n {
		workers.Go(t, func(t *task.T) error { return work(t, in, out) })
	}
	if err := workers.Wait(t); err != nil {
		return err
	}
	out.Close()
	return nil
}

// feed sends all jobs.
func feed(t *task.T, jobs []job, out *task.Chan[job]) error {
	for _, j := range jobs {
		if err := out.Send(t, j); err != nil {
			return err
		}
	}
	out.Close()
	return nil
}

type report struct{ sum, late int }

// gather adds up the answers.
func gather(t *task.T, in *task.Chan[answer]) (r report, err error) {
	for a := range in.All(t) {
		if a.late {
			r.late++
		} else {
			r.sum += a.value
		}
	}
	return r, t.Err()
}

// pipeline does the jobs, four at a time.
func pipeline(t *task.T, jobs []job) (r report, err error) {
	in, out := task.NewChan[job](8), task.NewChan[answer](8)
	var stages task.Group
	stages.SetPolicy(task.FirstError) // if one fails, all end
	stages.Go(t, func(t *task.T) error { return feed(t, jobs, in) })
	stages.Go(t, func(t *task.T) error { return crew(t, 4, in, out) })
	stages.Go(t, func(t *task.T) (err error) {
		r, err = gather(t, out)
		return err
	})
	if err := stages.Wait(t); err != nil {
		return report{}, err
	}
	return r, nil
}

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
	fmt.Println(task.Run(ctx, pool, task.Call1(pipeline, jobs)))

	jobs = append(jobs, job{-1, time.Minute})
	fmt.Println(task.Run(ctx, pool, task.Call1(pipeline, jobs)))
	// Output:
	// {1770 1} <nil>
	// {0 0} unknown item
}
