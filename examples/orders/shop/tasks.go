package shop

import (
	"context"
	"errors"
	"time"

	"github.com/framearena/framearena/coro"
)

// Tasks is a shop with a task for each order.
type Tasks struct {
	Executor coro.Executor
	Times    Times
	Clerk    *Clerk
}

// Place launches a task, which lives longer than the call.
func (s *Tasks) Place() (Order, error) {
	o := new(taskOrder)
	call := follow.With(following{times: s.Times}, followed{paid: &o.paid, clerk: s.Clerk})
	task, err := coro.Start(s.Executor, call)
	if err != nil { // there is no memory, or the executor is closed
		return nil, err
	}
	o.task = task
	return o, nil
}

// taskOrder is an order of Tasks.
type taskOrder struct {
	paid coro.Event
	task *coro.Handle[Outcome]
}

func (o *taskOrder) Pay()    { o.paid.Set() }
func (o *taskOrder) Cancel() { o.task.Cancel(nil) }

func (o *taskOrder) Wait(ctx context.Context) (Outcome, error) { return o.task.Wait(ctx) }

// following is the state of follow.
type following struct {
	times  Times
	passed time.Duration // from the placement of the order to the timer that went off last
	first  int           // the case that happened first
}

// followed is the held part of follow, on the Go heap: it holds pointers.
type followed struct {
	paid  *coro.Event
	clerk *Clerk
}

// These are the cases of the Select of follow.
const (
	casePaid = iota
	caseReminder
	caseRelease
	caseExpiry
)

// follow follows an order to its end.
var follow = coro.DefineHeld("order", func(f *coro.Frame[following, Outcome], held *followed) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		return s.wait(f, held)
	case 1:
		if errors.Is(f.Err(), context.Canceled) {
			return f.Return(Cancelled)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		switch s.first {
		case casePaid:
			return f.Return(Paid)
		case caseExpiry:
			return f.Return(Expired)
		case caseReminder:
			held.clerk.Remind()
			s.passed = s.times.Reminder
		case caseRelease:
			held.clerk.Release()
			s.passed = s.times.Release
		}
		return s.wait(f, held)
	default:
		return f.BadResume()
	}
})

// wait waits for the payment and for the timers that have not gone off.
func (s *following) wait(f *coro.Frame[following, Outcome], held *followed) coro.Step {
	return coro.Select(f, 1, &s.first,
		held.paid.WaitCase(), s.after(s.times.Reminder), s.after(s.times.Release), s.after(s.times.Expiry))
}

// after returns the case that the time d has passed since the order was placed. If it had passed
// when the task waited last, the case is the one that never happens.
func (s *following) after(d time.Duration) coro.Case {
	if d <= s.passed {
		return coro.Case{}
	}
	return coro.After(d - s.passed)
}
