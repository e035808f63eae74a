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

// Crawler follows links from page to page. Its fields are not changed while it does.
type Crawler struct {
	Client   *http.Client
	Allow    func(*url.URL) bool // whether to follow a link
	PerHost  int64               // requests to one host at a time
	Timeout  time.Duration       // of a request
	Attempts int                 // for a page, at most
	Backoff  time.Duration       // before the second attempt, and twice as long before each next one
}

// Page is what was found of a page.
type Page struct {
	Links    []string // in their order, each once
	Attempts int
	Err      error // of the last attempt
}

// Crawl visits what can be reached from a page, and returns what it found by address. If
// ctx ends before that, the error is its cause, and there are the pages that were finished.
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

func (c *Crawler) begin() *crawl {
	return &crawl{
		Crawler: c,
		pages:   make(map[string]Page),
		hosts:   make(map[string]*coro.Semaphore),
		seen:    make(map[string]bool),
	}
}

// crawl is what the tasks of one crawl have in common.
type crawl struct {
	*Crawler

	mu    sync.Mutex // guards what follows, and is held for a moment only
	pages map[string]Page
	hosts map[string]*coro.Semaphore
	seen  map[string]bool
}

// claim returns what a task needs to visit a page, unless another has it.
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

func (c *crawl) finish(u *url.URL, p Page) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages[u.String()] = p
}

// visiting is the state of visit.
type visiting struct {
	children coro.Group // the pages that were found here first
	attempts int
	permit   bool // of the host
}

// visited is the held part of visit.
type visited struct {
	crawl *crawl
	url   *url.URL
	host  *coro.Semaphore
	links []*url.URL
}

// Resume points of visit, beside 0, where each attempt begins.
const (
	atPermit = iota + 1
	atAnswer
	atEnd
)

// visit reads a page and visits those that it links to.
var visit = coro.DefineHeld("visit", func(f *coro.Frame[visiting, none], held *visited) coro.Step {
	s, c := &f.State, held.crawl
	switch f.At() {
	case 0:
		if f.Err() != nil { // the crawl is over
			return f.Fail(f.Err())
		}
		return held.host.Acquire(f, atPermit, 1)
	case atPermit:
		if f.Err() != nil {
			return f.Fail(f.Err()) // without the permit
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

// release gives the permit back, if the task has it.
func (s *visiting) release(held *visited) {
	if s.permit {
		s.permit = false
		held.host.Release(1)
	}
}

// request is what there is to fetch.
type request struct {
	client *http.Client
	url    *url.URL
}

// fetched is the held part of fetch.
type fetched struct {
	request
	links []*url.URL
}

// fetch returns the links of a page. It is a task of its own since a timeout is that of a
// child.
var fetch = coro.DefineHeld("fetch", func(f *coro.Frame[none, []*url.URL], held *fetched) coro.Step {
	switch f.At() {
	case 0:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		// The function may outlive the task: it has copies of what it needs, and a
		// context that ends with the timeout.
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

// worthAnother reports whether the next attempt may end in another way.
func worthAnother(err error) bool {
	var status statusError
	return !errors.As(err, &status) || status >= 500 || status == http.StatusTooManyRequests
}

// do is what blocks.
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

// maxPage is how much of a page is read.
const maxPage = 1 << 20

// href finds links as this site writes them. A crawler of others has a parser of HTML.
var href = regexp.MustCompile(`<a href="([^"]*)">`)

// linksOf returns where a page's links lead, each once.
func linksOf(base *url.URL, body []byte) []*url.URL {
	var links []*url.URL
	seen := make(map[string]bool)
	for _, match := range href.FindAllSubmatch(body, -1) {
		link, err := base.Parse(string(match[1]))
		if err != nil || link.Scheme != "http" && link.Scheme != "https" {
			continue
		}
		link.Fragment = "" // a part of the same page
		if !seen[link.String()] {
			seen[link.String()] = true
			links = append(links, link)
		}
	}
	return links
}
