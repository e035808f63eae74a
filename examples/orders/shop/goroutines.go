package shop

import (
	"context"
	"time"
)

// Goroutines is a shop with a goroutine for each order.
type Goroutines struct {
	Times Times
	Clerk *Clerk
}

// Place starts a goroutine, which lives longer than the call.
func (s *Goroutines) Place() (Order, error) {
	ctx, cancel := context.WithCancel(context.Background())
	o := &goroutineOrder{cancel: cancel, paid: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(o.done)
		o.outcome = s.follow(ctx, o.paid)
	}()
	return o, nil
}

// goroutineOrder is an order of Goroutines.
type goroutineOrder struct {
	cancel  context.CancelFunc
	paid    chan struct{}
	done    chan struct{} // closed when outcome is set
	outcome Outcome
}

func (o *goroutineOrder) Pay() {
	select {
	case o.paid <- struct{}{}:
	default: // it is paid already
	}
}

func (o *goroutineOrder) Cancel() { o.cancel() }

func (o *goroutineOrder) Wait(ctx context.Context) (Outcome, error) {
	select {
	case <-o.done:
		return o.outcome, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// follow follows an order to its end.
func (s *Goroutines) follow(ctx context.Context, paid <-chan struct{}) Outcome {
	reminder, release, expiry := time.NewTimer(s.Times.Reminder), time.NewTimer(s.Times.Release), time.NewTimer(s.Times.Expiry)
	defer reminder.Stop()
	defer release.Stop()
	defer expiry.Stop()
	for {
		select {
		case <-ctx.Done():
			return Cancelled
		case <-paid:
			return Paid
		case <-reminder.C:
			s.Clerk.Remind()
		case <-release.C:
			s.Clerk.Release()
		case <-expiry.C:
			return Expired
		}
	}
}
