// Package crawler is the shape of the example crawler, without the network: with a task for each page,
// in tasks.go by hand and in plain.go in plain Go, and with a goroutine for each, in goroutines.go.
// A host gets some requests at a time, and not more often than a pause allows.
package crawler

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// Form says what a page is in a crawl.
type Form string

const (
	Tasks      Form = "tasks" // written by hand
	Plain      Form = "plain" // tasks in plain Go, compiled
	Goroutines Form = "goroutines"
)

const (
	hosts    = 50
	perHost  = 8           // most requests to a host at a time
	patience = time.Minute // the time limit of a request, longer than the program runs
)

// Site is a site on several hosts, with what a crawler knows of it. Its first page links to all others.
// Any goroutine may use it.
type Site struct {
	Pages int
	Pause time.Duration // at least, between the begins of two requests to a host

	mu      sync.Mutex // guards the fields below
	seen    map[string]bool
	turns   [hosts]time.Time // when the next request to a host may begin
	now     [hosts]int       // requests at the moment
	peak    int              // the most that an element of now has been
	visited int
	err     error // the first one of a request
}

// claim returns the address of a page. first is false if another one visits it.
func (s *Site) claim(page int) (address string, first bool) {
	address = fmt.Sprintf("http://host%d.example/pages/%d", page%hosts, page)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[address] {
		return address, false
	}
	if s.seen == nil {
		s.seen = make(map[string]bool)
	}
	s.seen[address] = true
	return address, true
}

// turn takes the next turn at a host, and returns the time until it comes. The caller has to finish.
func (s *Site) turn(host int) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[host]++
	s.peak = max(s.peak, s.now[host])
	now := time.Now()
	at := s.turns[host]
	if at.Before(now) {
		at = now
	}
	s.turns[host] = at.Add(s.Pause)
	return at.Sub(now)
}

// finish records the end of a request, and returns the pages that the page links to.
func (s *Site) finish(page int, err error) (links []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[page%hosts]--
	switch {
	case err == nil:
		s.visited++
	case s.err == nil:
		s.err = err
	}
	if page == 0 && err == nil {
		for i := 1; i < s.Pages; i++ {
			links = append(links, i)
		}
	}
	return links
}

// claimed returns how many pages were claimed.
func (s *Site) claimed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// Crawl crawls the site once, in a form. All pages but the first wait for an answer: when it has a
// task or a goroutine for each, Crawl calls full, and they get it. Goroutines need no pool. Crawl
// returns how many pages were visited, and the most requests to a host at a time.
func Crawl(as Form, pool *executor.Pool, s *Site, full func()) (visited, peak int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	start, _ := s.claim(0)
	var answer func() // lets the hosts answer
	switch as {
	case Tasks:
		c := newTaskCrawl(s)
		answer = c.answers.Set
		go func() { ended <- c.run(ctx, pool, start) }()
	case Plain:
		c := newPlainCrawl(s)
		answer = c.answers.Set
		first := plainPage{c, 0, start}
		go func() {
			_, err := task.Run(ctx, pool, task.Do0(first.visit))
			ended <- err
		}()
	default:
		c := newGoroutineCrawl(s)
		answer = func() { close(c.answers) }
		first := goroutinePage{c, 0, start}
		go func() {
			first.visit(ctx)
			c.running.Wait()
			ended <- nil
		}()
	}
	for s.claimed() < s.Pages && len(ended) == 0 {
		time.Sleep(time.Millisecond)
	}
	if len(ended) == 0 {
		full()
		answer()
	}
	err = <-ended
	return s.visited, s.peak, errors.Join(err, s.err)
}
