package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// options are the values of the flags, and the load of the tenants.
type options struct {
	budget         uint64
	memory         string
	as             string        // asTasks or asPlain
	requests       int           // number of requests of each modest tenant
	modest, greedy int           // number of items of a request
	takes          time.Duration // time that an item takes to arrive
}

// These are the values of -as.
const (
	asTasks = "tasks"
	asPlain = "plain"
)

func main() {
	o := options{as: asPlain, requests: 300, modest: 500, greedy: 1_000_000, takes: 5 * time.Millisecond}
	flag.Uint64Var(&o.budget, "budget", 4<<20, "budget of each tenant in bytes")
	flag.StringVar(&o.memory, "memory", memoryShared, "shared: budgets of one arena; own: an arena for each tenant")
	flag.StringVar(&o.as, "as", o.as, "plain: requests are tasks in plain Go; tasks: tasks with steps by hand")
	flag.IntVar(&o.greedy, "greedy", o.greedy, "number of items of each request of the greedy tenant")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tenants:", err)
		os.Exit(1)
	}
}

// client is a client of one tenant, with its figures. It belongs to one goroutine.
type client struct {
	name    string
	items   int // of a request
	right   int // number of right answers
	refused int // requests that ran out of memory
	times   []time.Duration
	err     error // any other fault
}

// run runs a server and its clients for some seconds, and prints the figures.
func run(o options, out io.Writer) error {
	if o.as != asTasks && o.as != asPlain {
		return fmt.Errorf("-as must be %q or %q, not %q", asTasks, asPlain, o.as)
	}
	s, err := newService([]string{"ada", "bob", "greedy"}, uintptr(o.budget), o.memory, o.as == asPlain)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(err, s.Close())
	}
	server := &http.Server{Handler: s.Handler()}
	go server.Serve(l)
	base := "http://" + l.Addr().String()

	ada, bob := &client{name: "ada", items: o.modest}, &client{name: "bob", items: o.modest}
	greedy, later := &client{name: "greedy", items: o.greedy}, &client{name: "greedy", items: o.modest}
	var modest, others sync.WaitGroup
	for _, c := range []*client{ada, bob} {
		modest.Go(func() {
			for range o.requests {
				c.ask(base, o.takes)
			}
		})
	}
	enough := make(chan struct{})
	others.Go(func() {
		for {
			greedy.ask(base, time.Minute) // no item arrives before all tasks are spawned
			select {
			case <-enough:
				return
			case <-time.After(o.takes):
			}
		}
	})
	modest.Wait()
	close(enough)
	others.Wait()
	later.ask(base, o.takes)
	// Close returns an error if a frame is live.
	if err := errors.Join(server.Close(), s.Close(), ada.err, bob.err, greedy.err, later.err); err != nil {
		return err
	}

	where := map[string]string{memoryShared: "from an arena that they share", memoryOwn: "from arenas of their own"}[o.memory]
	fmt.Fprintf(out, "Three tenants have %d KiB each for frames, %s.\n\n", o.budget>>10, where)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "tenant\titems a request\tright answers\tout of memory\tmedian\t")
	for _, c := range []*client{ada, bob, greedy, later} {
		slices.Sort(c.times)
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%v\t\n", c.name, c.items, c.right, c.refused, c.times[len(c.times)/2].Round(10*time.Microsecond))
	}
	w.Flush()
	fmt.Fprintf(out, "\nAt its peak, the tenant greedy had %d KiB of frames: as asked for, before rounding up.\n",
		s.tenants["greedy"].memory.Stats().PeakBytes>>10)
	return nil
}

// ask sends a request and checks the answer.
func (c *client) ask(base string, takes time.Duration) {
	start := time.Now()
	resp, err := http.Get(fmt.Sprintf("%s/%s/sum?n=%d&takes=%v", base, c.name, c.items, takes))
	if err != nil {
		c.err = err
		return
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	c.times = append(c.times, time.Since(start))
	want := int64(c.items) * int64(c.items+1) / 2
	switch {
	case err != nil:
		c.err = err
	case resp.StatusCode == http.StatusInsufficientStorage:
		c.refused++
	case strings.TrimSpace(string(answer)) == fmt.Sprint(want):
		c.right++
	default:
		c.err = fmt.Errorf("%s got %s: %s", c.name, resp.Status, answer)
	}
}
