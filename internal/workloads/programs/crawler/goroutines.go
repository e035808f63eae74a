package crawler

import (
	"context"
	"sync"
	"time"
)

// goroutineCrawl is a crawl in which each page is a goroutine.
type goroutineCrawl struct {
	*Site
	limits  [hosts]chan struct{} // of requests at a time
	answers chan struct{}        // closed when the hosts answer
	running sync.WaitGroup
}

func newGoroutineCrawl(s *Site) *goroutineCrawl {
	c := &goroutineCrawl{Site: s, answers: make(chan struct{})}
	for i := range c.limits {
		c.limits[i] = make(chan struct{}, perHost)
	}
	return c
}

// goroutinePage is a page that was claimed.
type goroutinePage struct {
	crawl   *goroutineCrawl
	number  int
	address string
}

// visit requests the page, and visits those that it is the first to link to.
func (p *goroutinePage) visit(ctx context.Context) {
	c, limit := p.crawl, p.crawl.limits[p.number%hosts]
	select {
	case limit <- struct{}{}:
	case <-ctx.Done():
		return
	}
	links := c.finish(p.number, p.request(ctx))
	<-limit
	for _, link := range links {
		if address, first := c.claim(link); first {
			next := &goroutinePage{c, link, address}
			c.running.Go(func() { next.visit(ctx) })
		}
	}
}

// request waits for the host's turn, and for its answer. The first page is there at once.
func (p *goroutinePage) request(ctx context.Context) error {
	select {
	case <-time.After(p.crawl.turn(p.number % hosts)):
	case <-ctx.Done():
		return ctx.Err()
	}
	if p.number == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-p.crawl.answers:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
