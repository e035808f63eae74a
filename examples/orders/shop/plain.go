package shop

import (
	"context"
	"errors"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// Plain is a shop in plain Go, which is compiled: it has a task for each order.
type Plain struct {
	Executor coro.Executor
	Times    Times
	Clerk    *Clerk
}

// Place launches a task, which lives longer than the call.
func (s *Plain) Place() (o Order, err error) {
	p := new(plainOrder)
	p.task, err = task.Start(s.Executor, task.Call2(attend, s, &p.paid))
	return p, err
}

// plainOrder is an order of Plain.
type plainOrder struct {
	paid task.Event
	task task.Handle[Outcome]
}

func (o *plainOrder) Pay()    { o.paid.Set() }
func (o *plainOrder) Cancel() { o.task.Cancel(nil) }

func (o *plainOrder) Wait(ctx context.Context) (Outcome, error) { return o.task.WaitContext(ctx) }

// attend follows an order to its end.
func attend(t *task.T, s *Plain, paid *task.Event) (Outcome, error) {
	passed := time.Duration(0) // until the timer went off that was the last
	for {
		first, err := task.Select(t, task.Done(paid),
			timer(s.Times.Reminder-passed), timer(s.Times.Release-passed), timer(s.Times.Expiry-passed))
		switch {
		case errors.Is(err, context.Canceled):
			return Cancelled, nil
		case err != nil:
			return 0, err
		case first == 0:
			return Paid, nil
		case first == 1:
			s.Clerk.Remind()
			passed = s.Times.Reminder
		case first == 2:
			s.Clerk.Release()
			passed = s.Times.Release
		default:
			return Expired, nil
		}
	}
}

// timer returns the case that the time left has passed. If none is left, it never happens: the timer
// has gone off already.
func timer(left time.Duration) task.Case {
	if left <= 0 {
		return task.Case{}
	}
	return task.After(left)
}
