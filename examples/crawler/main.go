package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// options are the values of the flags.
type options struct {
	pages, hosts, attempts     int
	perHost                    int64
	timeout, backoff, deadline time.Duration
	as                         string // asTasks or asPlain
}

// These are the values of -as.
const (
	asTasks = "tasks"
	asPlain = "plain"
)

func main() {
	var o options
	flag.IntVar(&o.pages, "pages", 500, "number of pages of the site")
	flag.IntVar(&o.hosts, "hosts", 3, "number of hosts of the site")
	flag.Int64Var(&o.perHost, "per-host", 4, "most requests to a host at a time")
	flag.IntVar(&o.attempts, "attempts", 3, "most attempts for a page")
	flag.DurationVar(&o.timeout, "timeout", 500*time.Millisecond, "timeout of a request")
	flag.DurationVar(&o.backoff, "backoff", 20*time.Millisecond, "wait before the second attempt")
	flag.DurationVar(&o.deadline, "deadline", time.Minute, "timeout of the whole crawl")
	flag.StringVar(&o.as, "as", asPlain, "plain: the crawler is plain Go; tasks: it has steps by hand")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crawler:", err)
		os.Exit(1)
	}
}

var errIncomplete = errors.New("the crawl has not found all pages as they are")

// run makes a site, crawls it and prints the result.
func run(ctx context.Context, o options, out io.Writer) error {
	if o.pages < 1 || o.hosts < 1 || o.perHost < 1 || o.attempts < 1 {
		return errors.New("-pages, -hosts, -per-host and -attempts must be at least 1")
	}
	crawl := map[string]func(*Crawler, context.Context, coro.Executor, string) (map[string]Page, error){
		asTasks: (*Crawler).Crawl, asPlain: (*Crawler).CrawlPlain}[o.as]
	if crawl == nil {
		return fmt.Errorf("-as must be %q or %q, not %q", asTasks, asPlain, o.as)
	}
	s := newSite(o.pages, o.hosts, 2*time.Millisecond)
	for i := range s.hosts {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		s.hosts[i].base = "http://" + l.Addr().String()
		server := &http.Server{Handler: s.handler(i)}
		go server.Serve(l)
		defer server.Close()
	}
	crawler := s.crawler(o)

	pool := executor.NewPool()
	ctx, cancel := context.WithTimeout(ctx, o.deadline)
	defer cancel()
	start := time.Now()
	pages, err := crawl(crawler, ctx, pool, s.address(0))
	took := time.Since(start)
	// Close returns an error if a frame is live.
	if err := pool.Close(); err != nil {
		return err
	}
	crawler.Client.CloseIdleConnections()
	s.report(out, pages, took)
	if err != nil {
		return fmt.Errorf("the crawl ended early: %w", err)
	}
	if !same(pages, s.graph(o.attempts)) {
		return errIncomplete
	}
	fmt.Fprintln(out, "These are all pages, and each was requested as often as necessary.")
	return nil
}

// crawler returns a crawler that stays on the site.
func (s *site) crawler(o options) *Crawler {
	hosts := make(map[string]bool)
	for i := range s.hosts {
		if u, err := url.Parse(s.hosts[i].base); err == nil {
			hosts[u.Host] = true
		}
	}
	return &Crawler{
		Client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: int(o.perHost)}},
		Allow:    func(u *url.URL) bool { return hosts[u.Host] },
		PerHost:  o.perHost,
		Timeout:  o.timeout,
		Attempts: o.attempts,
		Backoff:  o.backoff,
	}
}

// same reports whether two crawls have the same results.
func same(a, b map[string]Page) bool {
	return maps.EqualFunc(a, b, func(a, b Page) bool {
		return slices.Equal(a.Links, b.Links) && a.Attempts == b.Attempts && errors.Is(a.Err, b.Err)
	})
}

// report prints how many requests each host got, and how the pages answered.
func (s *site) report(out io.Writer, pages map[string]Page, took time.Duration) {
	fmt.Fprintf(out, "Visited %d of %d pages in %v.\n\n", len(pages), len(s.pages), took.Round(time.Millisecond))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "host\trequests\tmost at a time")
	for i := range s.hosts {
		h := &s.hosts[i]
		fmt.Fprintf(w, "%s\t%d\t%d\n", h.base, h.requests.Load(), h.peak.Load())
	}
	w.Flush()

	attempts := make(map[int]int)
	failures := make(map[string]int)
	for _, p := range pages {
		switch {
		case p.Err == nil:
			attempts[p.Attempts]++
		case errors.Is(p.Err, context.DeadlineExceeded):
			failures["no answer in time"]++
		default:
			failures[p.Err.Error()]++
		}
	}
	fmt.Fprintln(out)
	for _, n := range slices.Sorted(maps.Keys(attempts)) {
		fmt.Fprintf(out, "%4d pages answered at attempt %d\n", attempts[n], n)
	}
	for _, err := range slices.Sorted(maps.Keys(failures)) {
		fmt.Fprintf(out, "%4d pages failed: %s\n", failures[err], err)
	}
	fmt.Fprintln(out)
}
