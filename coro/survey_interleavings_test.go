//go:build framearena_explore

package coro_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

var (
	exploredEvent *coro.Event

	surveyedSelects = coro.Define("surveyed selects", func(f *coro.Frame[int, none]) coro.Step {
		switch f.At() {
		case 0:
			return coro.Select(f, 77, &f.State, exploredEvent.WaitCase())
		case 77:
			exploredErr = f.Err()
			explored.ended++
			return f.Return(none{})
		}
		return f.BadResume()
	})
	surveyedLocks = coro.Define("surveyed locks", func(f *coro.Frame[int, none]) coro.Step {
		switch f.At() {
		case 0:
			return exploredMutex.Lock(f, 77)
		case 77:
			exploredErr = f.Err()
			explored.ended++
			if exploredErr == nil {
				exploredMutex.Unlock()
			}
			return f.Return(none{})
		}
		return f.BadResume()
	})
)

// A survey writes to the frames of tasks that wait. Whenever it comes, the task resumes where it
// should, once, and no other goroutine has the frame at the same time. Sleeping tasks have too many
// orders, since a survey locks the timers once for each list of the wheel: TestSurveysUnderLoad has them.
func TestInterleavingsOfSurveys(t *testing.T) {
	defer coro.SetStampClock(func() time.Duration { return time.Hour })()
	for _, tt := range []struct {
		name string
		kind *coro.Kind[int, none]
		wake func()
	}{
		{"a Mutex", surveyedLocks, func() { exploredMutex.Unlock() }},
		{"a Select", surveyedSelects, func() { exploredEvent.Set() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			interleave.Check(t, func(r *interleave.Run) {
				e := newExploredExecutor(r)
				exploredMutex, exploredEvent, exploredErr = new(coro.Mutex), new(coro.Event), nil
				exploredMutex.TryLock()
				h := mustStart(e, tt.kind.With(0))
				e.settle()
				r.Thread("surveyor", func() {
					s := e.env.Survey(coro.SurveyOptions{Objects: 1})
					r.Require(len(s.Groups) <= 1 && (len(s.Groups) == 0 || s.Groups[0].N == 1), "seen: %v", s.Groups)
				})
				r.Thread("waker", func() { tt.wake() })
				r.Thread("canceller", func() { h.Cancel(context.Canceled) })
				e.work("worker", 1)
				r.End(func() {
					e.end()
					r.Require(exploredErr == nil || errors.Is(exploredErr, context.Canceled), "Err was %v", exploredErr)
					r.Require(len(e.env.Survey(coro.SurveyOptions{}).Groups) == 0, "it still waits")
				})
			})
		})
	}
}
