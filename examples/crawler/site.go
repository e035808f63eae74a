package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// site has pages that link to each other, on several hosts. Equal arguments of newSite make
// equal sites.
type site struct {
	hosts []host
	pages []page
	delay time.Duration // of an answer
}

// host counts its requests. Handlers write the counters, and any goroutine may read them.
type host struct {
	base     string       // such as http://127.0.0.1:8080
	now      atomic.Int64 // requests that are being answered
	peak     atomic.Int64 // the most that now has been
	requests atomic.Int64
}

type page struct {
	links    []int
	trouble  trouble
	requests atomic.Int64 // handlers write it, and any goroutine may read it
}

// trouble says how a page fails.
type trouble struct {
	status int // the status of the answer; 0 means no answer until the client gives up
	times  int // how many of the first requests fail
}

// always is more requests than any crawl sends to one page.
const always = 1 << 30

// newSite returns a site of n pages on the given number of hosts. All pages can be reached
// from page 0.
func newSite(n, hosts int, delay time.Duration) *site {
	s := &site{hosts: make([]host, hosts), pages: make([]page, n), delay: delay}
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range s.pages {
		p := &s.pages[i]
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < n {
				p.links = append(p.links, child)
			}
		}
		for range 3 {
			p.links = append(p.links, random.IntN(n))
		}
		if 2*i+1 < n {
			switch i % 16 { // pages that lead to others fail at first only
			case 3:
				p.trouble = trouble{http.StatusServiceUnavailable, 1}
			case 7:
				p.trouble = trouble{http.StatusInternalServerError, 2}
			case 11:
				p.trouble = trouble{times: 1}
			}
			continue
		}
		switch i % 32 {
		case 5:
			p.trouble = trouble{http.StatusNotFound, always}
		case 9:
			p.trouble = trouble{http.StatusBadGateway, always}
		}
	}
	return s
}

// address returns the address of a page.
func (s *site) address(i int) string {
	return fmt.Sprintf("%s/page/%d", s.hosts[i%len(s.hosts)].base, i)
}

// elsewhere is a link that each page has, to a site that the crawler must not visit.
const elsewhere = "http://elsewhere.invalid/"

// graph returns the results that a crawl with so many attempts for a page must have.
func (s *site) graph(attempts int) map[string]Page {
	pages := make(map[string]Page)
	for next := []int{0}; len(next) > 0; next = next[1:] {
		if _, ok := pages[s.address(next[0])]; ok {
			continue
		}
		p := &s.pages[next[0]]
		found := Page{Attempts: min(p.trouble.times+1, attempts)}
		if p.trouble.times < attempts {
			next = append(next, p.links...)
			for _, link := range p.links {
				if address := s.address(link); !slices.Contains(found.Links, address) {
					found.Links = append(found.Links, address)
				}
			}
			found.Links = append(found.Links, elsewhere)
		} else if found.Err = p.trouble.err(); !worthAnother(found.Err) {
			found.Attempts = 1
		}
		pages[s.address(next[0])] = found
	}
	return pages
}

// err returns the error that a crawler gets.
func (t trouble) err() error {
	if t.status == 0 {
		return context.DeadlineExceeded
	}
	return statusError(t.status)
}

// handler serves the pages of one host.
func (s *site) handler(number int) http.Handler {
	h := &s.hosts[number]
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page/{number}", func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		defer h.now.Add(-1)
		for now := h.now.Add(1); ; {
			peak := h.peak.Load()
			if now <= peak || h.peak.CompareAndSwap(peak, now) {
				break
			}
		}
		var i int
		if _, err := fmt.Sscan(r.PathValue("number"), &i); err != nil || i < 0 || i >= len(s.pages) || i%len(s.hosts) != number {
			http.NotFound(w, r)
			return
		}
		p := &s.pages[i]
		time.Sleep(s.delay)
		if p.requests.Add(1) <= int64(p.trouble.times) {
			if p.trouble.status == 0 {
				<-r.Context().Done()
				return
			}
			http.Error(w, "this page fails on purpose", p.trouble.status)
			return
		}
		fmt.Fprint(w, s.html(i))
	})
	return mux
}

// html returns the contents of a page.
func (s *site) html(i int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<h1>Page %d</h1>\n", i)
	for n, link := range s.pages[i].links {
		address := s.address(link)
		if link%len(s.hosts) == i%len(s.hosts) {
			address = fmt.Sprintf("../page/%d#part-%d", link, n) // the same address, written differently
		}
		fmt.Fprintf(&b, "<a href=\"%s\">page %d</a>\n", address, link)
	}
	fmt.Fprintf(&b, "<a href=\"%s\">elsewhere</a> <a href=\"mailto:nobody@elsewhere.invalid\">write</a>\n", elsewhere)
	return b.String()
}
