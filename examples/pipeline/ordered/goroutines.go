package ordered

import "time"

// Goroutines is Tasks with a goroutine for each item. The service is up when the channel is closed.
func (p *Pipeline) Goroutines(n int, up <-chan struct{}, started func(), output func(result int)) {
	room := make(chan struct{}, p.Window)
	items := make(chan chan int, p.Window) // in order; there is always room
	done := make(chan struct{})
	go func() {
		defer close(done)
		for item := range items {
			output(<-item)
			<-room
		}
	}()
	for i := range n {
		room <- struct{}{}
		result := make(chan int, 1)
		go func() {
			<-up
			time.Sleep(p.latency(i)) // ask the service
			result <- work(i)
		}()
		items <- result
	}
	started()
	close(items)
	<-done
}
