package programs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// crawlTimeout is the time limit of a request. It is longer than the program runs.
const crawlTimeout = time.Minute

// web is what the tasks or the goroutines of one crawl share: a site whose first page links to all
// others, on some hosts that do not answer until full was called.
type web struct {
	n        int
	perHost  int64
	visited  atomic.Int64
	answers  coro.Event    // for tasks by hand
	answered chan struct{} // for goroutines

	mu   sync.Mutex // guards seen
	seen map[string]bool
}

// hosts is how many hosts there are.
const hosts = 50

func newWeb(n int) *web {
	return &web{n: n, perHost: 8, answered: make(chan struct{}), seen: make(map[string]bool)}
}

// address returns the address of page i.
func address(i int) string { return fmt.Sprintf("http://host%d.example/pages/%d", i%hosts, i) }

// claim reports whether the caller is the first one to visit a page.
func (w *web) claim(address string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := !w.seen[address]
	w.seen[address] = true
	return first
}

// crawl crawls a site of n pages.
func crawl(form Form, pool *executor.Pool, n int, full func()) error {
	w := newWeb(n)
	var err error
	switch form {
	case Tasks:
		err = w.crawlTasks(pool, full)
	case Plain:
		err = w.crawlPlain(pool, full)
	default:
		w.crawlGoroutines(full)
	}
	return first(err, same(int(w.visited.Load()), n))
}

func (w *web) crawlTasks(pool *executor.Pool, full func()) error {
	limits := make([]*coro.Semaphore, hosts)
	for i := range limits {
		limits[i] = coro.NewSemaphore(w.perHost)
	}
	w.claim(address(0))
	h, err := coro.Start(pool, visit.With(visiting{}, visited{web: w, hosts: limits, address: address(0)}))
	if err != nil {
		return err
	}
	for w.visited.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	full()
	w.answers.Set()
	_, err = h.Wait(context.Background())
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
	web     *web
	hosts   []*coro.Semaphore
	address string
}

// visit requests a page, and spawns tasks that visit the pages it links to.
var visit = coro.DefineHeld("visit", func(f *coro.Frame[visiting, none], held *visited) coro.Step {
	s, w := &f.State, held.web
	switch f.At() {
	case 0:
		return held.hosts[s.page%hosts].Acquire(f, 1, 1)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		s.permit = true
		return coro.AwaitCall(f, 2, request.With(s.page, w), nil, coro.Timeout(crawlTimeout))
	case 2:
		s.release(held)
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if s.page == 0 {
			for i := 1; i < w.n; i++ {
				if a := address(i); w.claim(a) {
					call := coro.HeldKindOf(f, held).With(visiting{page: i}, visited{web: w, hosts: held.hosts, address: a})
					coro.SpawnCall(f, &s.children, call, nil)
				}
			}
		}
		w.visited.Add(1)
		return s.children.Wait(f, 3)
	case 3:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(none{})
	case coro.Cleanup:
		s.release(held)
		return f.Fail(f.Err())
	default:
		return f.BadResume()
	}
}, coro.HasCleanup())

// release gives the permit back, if the task has one.
func (s *visiting) release(held *visited) {
	if s.permit {
		s.permit = false
		held.hosts[s.page%hosts].Release(1)
	}
}

// request waits for the answer of a page's host. The first page is there at once.
var request = coro.DefineHeld("request", func(f *coro.Frame[int, none], held **web) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0 && f.State != 0:
		return (*held).answers.Wait(f, 1)
	}
	return f.Return(none{})
})

type none = struct{}

func (w *web) crawlGoroutines(full func()) {
	limits := make([]chan struct{}, hosts)
	for i := range limits {
		limits[i] = make(chan struct{}, w.perHost)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all sync.WaitGroup
	var visit func(page int, address string)
	visit = func(page int, _ string) {
		host := limits[page%hosts]
		select {
		case host <- struct{}{}:
		case <-ctx.Done():
			return
		}
		err := w.request(ctx, page)
		<-host
		if err != nil {
			return
		}
		if page == 0 {
			for i := 1; i < w.n; i++ {
				if a := address(i); w.claim(a) {
					all.Go(func() { visit(i, a) })
				}
			}
		}
		w.visited.Add(1)
	}
	w.claim(address(0))
	all.Go(func() { visit(0, address(0)) })
	for w.visited.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	full()
	close(w.answered)
	all.Wait()
}

// request waits for the answer of a page's host.
func (w *web) request(ctx context.Context, page int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, crawlTimeout, errNoAnswer)
	defer cancel()
	if page == 0 {
		return nil
	}
	select {
	case <-w.answered:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errNoAnswer = errors.New("the host does not answer")
