package ordered

import (
	"context"
	"sync"
	"time"
)

// Goroutines is Plain with a goroutine for each item. The service is up when the channel is closed.
func (p *Pipeline) Goroutines(ctx context.Context, up <-chan struct{}) error {
	items := make(chan chan int, p.Window-1) // in order
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		defer close(items)
		for i := range p.Items {
			result := make(chan int, 1)
			select {
			case items <- result:
			case <-ctx.Done():
				return
			}
			all.Go(func() { p.process(ctx, up, i, result) })
		}
		p.Started()
	})
	for item := range items {
		select {
		case result := <-item:
			p.Output(result)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

// process works on one item.
func (p *Pipeline) process(ctx context.Context, up <-chan struct{}, i int, result chan<- int) {
	select {
	case <-up:
	case <-ctx.Done():
		return
	}
	select {
	case <-time.After(p.latency(i)): // ask the service
		result <- work(i)
	case <-ctx.Done():
	}
}
