package crawler

import "github.com/framearena/framearena/task"

// plainCrawl is a crawl in plain Go, which is compiled: each page is a task.
type plainCrawl struct {
	*Site
	limits  [hosts]*task.Semaphore // of requests at a time
	answers task.Event             // the hosts answer
}

func newPlainCrawl(s *Site) *plainCrawl {
	c := &plainCrawl{Site: s}
	for i := range c.limits {
		c.limits[i] = task.NewSemaphore(perHost)
	}
	return c
}

// plainPage is a page that was claimed.
type plainPage struct {
	crawl   *plainCrawl
	number  int
	address string
}

func (p *plainPage) limit() *task.Semaphore { return p.crawl.limits[p.number%hosts] }

// visit requests the page, and visits those that it is the first to link to.
func (p *plainPage) visit(t *task.T) error {
	if err := p.limit().Acquire(t, 1); err != nil {
		return err
	}
	c := p.crawl
	links := c.finish(p.number, p.request(t))
	p.limit().Release(1)
	var children task.Group
	for _, link := range links {
		if address, first := c.claim(link); first {
			next := &plainPage{c, link, address}
			children.Go(t, next.visit)
		}
	}
	return children.Wait(t)
}

// request waits for the host's turn, and for its answer. The first page is there at once.
func (p *plainPage) request(t *task.T) error {
	if err := t.Sleep(p.crawl.turn(p.number % hosts)); err != nil {
		return err
	}
	if p.number == 0 {
		return nil
	}
	return task.Timeout(t, patience, func(t *task.T) error { return p.crawl.answers.Wait(t) })
}
