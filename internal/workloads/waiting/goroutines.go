package waiting

import (
	"context"
	"time"
)

// goroutines are the counterparts: each goroutine has two local variables and waits until closed is
// closed, in the way that the title says.
var goroutines = []Form{
	{Name: "goroutine-chan", Title: "channel", launch: launchGoroutine(func(*Crowd, int) {
		<-closed
	}), release: releaseGoroutines},
	{Name: "goroutine-select", Title: "select of two channels", launch: launchGoroutine(func(c *Crowd, _ int) {
		select {
		case <-closed:
		case <-c.ctx.Done():
		}
	}), release: releaseGoroutines},
	{Name: "goroutine-sleep", Title: "timer", launch: launchGoroutine(func(_ *Crowd, i int) {
		t := time.NewTimer(timeOf(uint64(i)))
		defer t.Stop()
		select {
		case <-closed: // a goroutine in time.Sleep cannot be released
		case <-t.C:
		}
	}), release: releaseGoroutines},
	{Name: "goroutine-timers", Title: "select of three, two of them timers", launch: launchGoroutine(func(_ *Crowd, i int) {
		t, u := time.NewTimer(timeOf(uint64(i))), time.NewTimer(2*timeOf(uint64(i)))
		defer t.Stop()
		defer u.Stop()
		select {
		case <-closed:
		case <-t.C:
		case <-u.C:
		}
	}), release: releaseGoroutines},
	{Name: "goroutine-context", Title: "select with a context of its own", launch: launchGoroutine(func(*Crowd, int) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		select {
		case <-closed:
		case <-ctx.Done():
		}
	}), release: releaseGoroutines},
	{Name: "goroutine-timeout", Title: "select with a context's timeout", launch: launchGoroutine(func(_ *Crowd, i int) {
		ctx, cancel := context.WithTimeout(context.Background(), timeOf(uint64(i)))
		defer cancel()
		select {
		case <-closed:
		case <-ctx.Done():
		}
	}), release: releaseGoroutines},
	{Name: "goroutine-order", Title: "channel, timer, channel of the result", launch: func(c *Crowd, i int) error {
		done := make(chan int, 1)
		return launchGoroutine(func(*Crowd, int) {
			paid := make(chan struct{})
			t := time.NewTimer(timeOf(uint64(i)))
			defer t.Stop()
			select {
			case <-closed:
			case <-paid:
			case <-t.C:
			}
			done <- 1
		})(c, i)
	}, release: releaseGoroutines},
}

// launchGoroutine returns a launch of goroutines that call wait.
func launchGoroutine(wait func(c *Crowd, i int)) func(*Crowd, int) error {
	return func(c *Crowd, i int) error {
		c.parked.Add(1)
		go func() {
			state := root(i)
			c.parked.Done()
			wait(c, i)
			if state[0] != ^state[1] {
				fail(errDamaged)
				return
			}
			ended.Add(1)
		}()
		return nil
	}
}

func releaseGoroutines(*Crowd) { close(closed) }
