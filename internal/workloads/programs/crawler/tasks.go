package crawler

import (
	"context"

	"github.com/framearena/framearena/coro"
)

// taskCrawl is a crawl with steps that are written by hand: each page is a task.
type taskCrawl struct {
	*Site
	limits  [hosts]*coro.Semaphore // of requests at a time
	answers coro.Event             // the hosts answer
}

func newTaskCrawl(s *Site) *taskCrawl {
	c := &taskCrawl{Site: s}
	for i := range c.limits {
		c.limits[i] = coro.NewSemaphore(perHost)
	}
	return c
}

// run crawls from the first page, whose address is given.
func (c *taskCrawl) run(ctx context.Context, ex coro.Executor, address string) error {
	_, err := coro.Run(ctx, ex, visit.With(visiting{}, visited{crawl: c, address: address}))
	return err
}

// visiting is the state of visit.
type visiting struct {
	children coro.Group // the tasks of pages that this one was the first to link to
	page     int
	permit   bool // the task has a permit of the host's semaphore
}

// visited is the held part of visit.
type visited struct {
	crawl   *taskCrawl
	address string
}

// These are the resume points of visit.
const (
	atPermit = iota + 1
	atTurn
	atAnswer
	atEnd
)

// visit requests the page, and spawns tasks that visit those that it is the first to link to.
var visit = coro.DefineHeld("visit", func(f *coro.Frame[visiting, none], held *visited) coro.Step {
	s, c := &f.State, held.crawl
	switch f.At() {
	case 0:
		return c.limits[s.page%hosts].Acquire(f, atPermit, 1)
	case atPermit:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		s.permit = true
		return coro.Sleep(f, atTurn, c.turn(s.page%hosts))
	case atTurn:
		if f.Err() != nil {
			c.finish(s.page, f.Err())
			s.release(c)
			return f.Fail(f.Err())
		}
		return coro.AwaitCall(f, atAnswer, request.With(s.page, c), nil, coro.Timeout(patience))
	case atAnswer:
		links := c.finish(s.page, f.Err())
		s.release(c)
		for _, link := range links {
			if address, first := c.claim(link); first {
				next := coro.HeldKindOf(f, held).With(visiting{page: link}, visited{crawl: c, address: address})
				coro.SpawnCall(f, &s.children, next, nil)
			}
		}
		return s.children.Wait(f, atEnd)
	case atEnd:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	case coro.Cleanup:
		s.release(c)
		return f.Fail(f.Err())
	default:
		return f.BadResume()
	}
}, coro.HasCleanup())

// release gives the permit back, if the task has one.
func (s *visiting) release(c *taskCrawl) {
	if s.permit {
		s.permit = false
		c.limits[s.page%hosts].Release(1)
	}
}

// request waits for the answer of a page's host. The first page is there at once. Its state is the
// number of the page.
var request = coro.DefineHeld("request", func(f *coro.Frame[int, none], held **taskCrawl) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0 && f.State != 0:
		return (*held).answers.Wait(f, 1)
	}
	return f.Return(none{})
})

type none = struct{}
