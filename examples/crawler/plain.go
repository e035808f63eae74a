package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// CrawlPlain is Crawl in plain Go, which is compiled.
func (c *Crawler) CrawlPlain(ctx context.Context, ex coro.Executor, start string) (map[string]Page, error) {
	u, err := url.Parse(start)
	if err != nil {
		return nil, fmt.Errorf("crawl: %w", err)
	}
	all := c.begin()
	first, _ := all.claim(u)
	_, err = task.Run(ctx, ex, task.Do1(explore, &first))
	return all.pages, err
}

// explore reads a page, and explores the pages it links to.
func explore(t *task.T, v *visited) error {
	c := v.crawl
	links, attempts, err := read(t, v)
	switch {
	case t.Err() != nil:
		return t.Err()
	case err != nil:
		c.finish(v.url, Page{Attempts: attempts, Err: err})
		return nil
	}
	var children task.Group
	found := make([]string, len(links))
	for i, link := range links {
		found[i] = link.String()
		if !c.Allow(link) {
			continue
		}
		if next, ok := c.claim(link); ok {
			children.Go(t, func(t *task.T) error { return explore(t, &next) })
		}
	}
	c.finish(v.url, Page{Links: found, Attempts: attempts})
	return children.Wait(t)
}

// read attempts to read a page until it succeeds, or until there is no use in another attempt. The
// error is that of the last attempt.
func read(t *task.T, v *visited) (links []*url.URL, attempts int, err error) {
	c := v.crawl
	for {
		attempts++
		links, err = attempt(t, v)
		if err == nil || t.Err() != nil || !worthAnother(err) || attempts == c.Attempts {
			return links, attempts, err
		}
		if err := t.Sleep(c.Backoff << (attempts - 1)); err != nil {
			return nil, attempts, err
		}
	}
}

// attempt requests a page once, with a permit of its host, which it gives back however it ends.
func attempt(t *task.T, v *visited) (links []*url.URL, err error) {
	host := (*task.Semaphore)(v.host)
	if err := host.Acquire(t, 1); err != nil {
		return nil, err
	}
	defer host.Release(1)
	err = task.Timeout(t, v.crawl.Timeout, func(t *task.T) (err error) {
		r, ctx := request{v.crawl.Client, v.url}, t.Context()
		links, err = task.Block(t, func() ([]*url.URL, error) { return r.do(ctx) })
		return err
	})
	return links, err
}
