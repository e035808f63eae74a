package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/framearena/framearena/coro"
)

type none = struct{}

// Crawler follows links from page to page. Its fields must not change during a crawl. Any
// goroutine may call Crawl.
type Crawler struct {
	Client   *http.Client
	Allow    func(*url.URL) bool // reports whether to follow a link; any goroutine calls it
	PerHost  int64               // most requests to one host at a time
	Timeout  time.Duration       // of a request
	Attempts int                 // most attempts for a page
	Backoff  time.Duration       // before the second attempt; it doubles before each further one
}

// Page is the result of visiting a page.
type Page struct {
	Links    []string // in the order of the page, each once
	Attempts int
	Err      error // of the last attempt
}

// Crawl visits all pages that can be reached from the page start, and returns the results by
// address. If ctx ends before that, the error is its cause, and the results are those of the
// pages that were finished.
func (c *Crawler) Crawl(ctx context.Context, ex coro.Executor, start string) (map[string]Page, error) {
	u, err := url.Parse(start)
	if err != nil {
		return nil, fmt.Errorf("crawl: %w", err)
	}
	all := c.begin()
	first, _ := all.claim(u)
	_, err = coro.Run(ctx, ex, visit.With(visiting{}, first))
	return all.pages, err
}

// begin returns a new crawl, which has claimed no page.
func (c *Crawler) begin() *crawl {
	return &crawl{
		Crawler: c,
		pages:   make(map[string]Page),
		hosts:   make(map[string]*coro.Semaphore),
		seen:    make(map[string]bool),
	}
}

// crawl is what the tasks of one crawl share.
type crawl struct {
	*Crawler

	mu    sync.Mutex // guards the fields below; steps hold it for a moment only
	pages map[string]Page
	hosts map[string]*coro.Semaphore
	seen  map[string]bool
}

// claim returns what a task needs to visit a page. ok is false if another task has claimed
// the page.
func (c *crawl) claim(u *url.URL) (v visited, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	address := u.String()
	if c.seen[address] {
		return v, false
	}
	c.seen[address] = true
	if c.hosts[u.Host] == nil {
		c.hosts[u.Host] = coro.NewSemaphore(c.PerHost)
	}
	return visited{crawl: c, url: u, host: c.hosts[u.Host]}, true
}

// finish records the result of visiting a page.
func (c *crawl) finish(u *url.URL, p Page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages[u.String()] = p
}

// visiting is the state of visit.
type visiting struct {
	children coro.Group // the tasks of pages that this one was the first to link to
	attempts int        // so far
	permit   bool       // the task has a permit of the host's semaphore
}

// visited is the held part of visit.
type visited struct {
	crawl *crawl
	url   *url.URL
	host  *coro.Semaphore
	links []*url.URL
}

// These are the resume points of visit. Each attempt begins at 0.
const (
	atPermit = iota + 1
	atAnswer
	atEnd
)

// visit reads a page, and spawns tasks that visit the pages it links to.
var visit = coro.DefineHeld("visit", func(f *coro.Frame[visiting, none], held *visited) coro.Step {
	s, c := &f.State, held.crawl
	switch f.At() {
	case 0:
		if f.Err() != nil { // the crawl's context has ended
			return f.Fail(f.Err())
		}
		return held.host.Acquire(f, atPermit, 1)
	case atPermit:
		if f.Err() != nil {
			return f.Fail(f.Err()) // the task has no permit
		}
		s.permit = true
		s.attempts++
		return coro.AwaitCall(f, atAnswer, fetch.With(none{}, fetched{request: request{c.Client, held.url}}), &held.links, coro.Timeout(c.Timeout))
	case atAnswer:
		s.release(held)
		switch err := f.Err(); {
		case err != nil && f.Context().Err() != nil:
			return f.Fail(context.Cause(f.Context()))
		case err != nil && worthAnother(err) && s.attempts < c.Attempts:
			return coro.Sleep(f, 0, c.Backoff<<(s.attempts-1))
		case err != nil:
			c.finish(held.url, Page{Attempts: s.attempts, Err: err})
			return f.Return(none{})
		}
		found := make([]string, len(held.links))
		for i, link := range held.links {
			found[i] = link.String()
			if !c.Allow(link) {
				continue
			}
			if v, ok := c.claim(link); ok {
				coro.SpawnCall(f, &s.children, coro.HeldKindOf(f, held).With(visiting{}, v), nil)
			}
		}
		c.finish(held.url, Page{Links: found, Attempts: s.attempts})
		return s.children.Wait(f, atEnd)
	case atEnd:
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
		held.host.Release(1)
	}
}

// request is a page to fetch.
type request struct {
	client *http.Client
	url    *url.URL
}

// fetched is the held part of fetch.
type fetched struct {
	request
	links []*url.URL
}

// fetch returns the links of a page. It is a task of its own because only a child can have a
// timeout.
var fetch = coro.DefineHeld("fetch", func(f *coro.Frame[none, []*url.URL], held *fetched) coro.Step {
	switch f.At() {
	case 0:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		// The function may outlive the task, so it has copies of what it needs. Its context
		// ends with the timeout.
		ctx, r := f.Context(), held.request
		return coro.Blocking(f, 1, func() ([]*url.URL, error) { return r.do(ctx) }, &held.links)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(held.links)
	default:
		return f.BadResume()
	}
})

// statusError is an answer other than 200.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("%d %s", int(e), http.StatusText(int(e))) }

// worthAnother reports whether another attempt may succeed after err.
func worthAnother(err error) bool {
	var status statusError
	return !errors.As(err, &status) || status >= 500 || status == http.StatusTooManyRequests
}

// do sends the request and returns the links of the page. It blocks.
func (r request) do(ctx context.Context) ([]*url.URL, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return nil, err
	}
	return linksOf(r.url, body), nil
}

// maxPage is how much of a page is read, in bytes.
const maxPage = 1 << 20

// href matches links as this site writes them. A real crawler has an HTML parser.
var href = regexp.MustCompile(`<a href="([^"]*)">`)

// linksOf returns the addresses that a page links to, each once.
func linksOf(base *url.URL, body []byte) []*url.URL {
	var links []*url.URL
	seen := make(map[string]bool)
	for _, match := range href.FindAllSubmatch(body, -1) {
		link, err := base.Parse(string(match[1]))
		if err != nil || link.Scheme != "http" && link.Scheme != "https" {
			continue
		}
		link.Fragment = "" // it selects a part of the same page
		if !seen[link.String()] {
			seen[link.String()] = true
			links = append(links, link)
		}
	}
	return links
}
