// Package programs has the programs that one writes first, each with tasks by hand, with tasks in
// plain Go and with goroutines, for a comparison of the memory that they have at their fullest moment.
// Four of them are examples of this repository; the crawl, in crawl.go and crawl_plain.go, is the shape
// of a fifth, examples/crawler, without the network.
package programs

import (
	"fmt"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/examples/chat/room"
	"github.com/framearena/framearena/examples/health/checker"
	"github.com/framearena/framearena/examples/orders/shop"
	"github.com/framearena/framearena/examples/pipeline/ordered"
	"github.com/framearena/framearena/executor"
)

// Form is a form in which each program is written.
type Form string

const (
	Tasks      Form = "tasks" // written by hand
	Plain      Form = "plain" // tasks in plain Go, compiled
	Goroutines Form = "goroutines"
)

// Forms are all forms.
var Forms = []Form{Tasks, Plain, Goroutines}

// Program is a program of some size, in each form.
type Program struct {
	Name  string // in JSON: lower case, with dashes
	Title string // in a table; it says what the size is
	Size  int    // the size that the comparison is about
	Goal  int    // how many times more memory goroutines are to have; 0: no goal

	// begin makes what all forms have, before the first measurement. run runs the program, on the
	// pool unless it has goroutines. It calls full once, when everything waits.
	begin func(n int) (run runner, end func() error, err error)
}

type runner func(form Form, pool *executor.Pool, full func()) error

// Programs are all programs.
var Programs = []*Program{
	{"health", "health checker, targets over HTTP", 10_000, 0, beginHealth},
	{"chat", "chat room, members", 50_000, 6, begin(chat)},
	{"orders", "orders: 3 timers, context, handle each", 100_000, 6, begin(orders)},
	{"pipeline", "ordered pipeline, items in work", 50_000, 0, begin(pipeline)},
	{"crawler", "crawler, pages that wait for a host", 50_000, 0, begin(crawl)},
}

// Find returns the program of a name.
func Find(name string) (*Program, error) {
	for _, p := range Programs {
		if p.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no program is named %q", name)
}

// Run runs the program once with size n, in a form. It calls ready when it is about to begin, and full
// when everything waits, with the figures of the pool's arena or, for
// goroutines, with zeros. The error says what went wrong, also if a result is not what it should be.
func (p *Program) Run(n int, form Form, ready, full func(frames arena.Stats)) error {
	run, end, err := p.begin(n)
	if err != nil {
		return err
	}
	frames := func() (s arena.Stats) { return s }
	var pool *executor.Pool
	if form != Goroutines {
		pool = executor.NewPool()
		frames = pool.Arena().Stats
	}
	ready(frames())
	err = run(form, pool, func() {
		time.Sleep(settling)
		full(frames())
	})
	if pool != nil {
		err = first(err, pool.Close())
	}
	return first(err, end())
}

// settling is how long tasks and goroutines that were started last have to begin to wait.
const settling = 100 * time.Millisecond

// first returns the first error of two.
func first(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// begin makes a begin of a program that has nothing to prepare.
func begin(run func(form Form, pool *executor.Pool, n int, full func()) error) func(int) (runner, func() error, error) {
	return func(n int) (runner, func() error, error) {
		return func(form Form, pool *executor.Pool, full func()) error { return run(form, pool, n, full) }, func() error { return nil }, nil
	}
}

func beginHealth(n int) (run runner, end func() error, err error) {
	w, err := checker.NewWorld(n)
	if err != nil {
		return nil, nil, err
	}
	return func(form Form, pool *executor.Pool, full func()) error {
		ill, err := w.Round(checker.Form(form), pool, full)
		return first(err, same(ill, n/10))
	}, w.Close, nil
}

func chat(form Form, pool *executor.Pool, n int, full func()) error {
	const messages = 3
	var r room.Room = &room.Goroutines{Ping: 30 * time.Second}
	switch form {
	case Tasks:
		r = &room.Tasks{Pool: pool, Ping: 30 * time.Second}
	case Plain:
		r = &room.Plain{Pool: pool, Ping: 30 * time.Second}
	}
	delivered, err := room.Evening(r, n, messages, full)
	return first(err, same(int(delivered), messages*n))
}

func orders(form Form, pool *executor.Pool, n int, full func()) error {
	times := shop.Times{Reminder: time.Hour, Release: 2 * time.Hour, Expiry: 24 * time.Hour}
	var clerk shop.Clerk
	var s shop.Shop = &shop.Goroutines{Times: times, Clerk: &clerk}
	switch form {
	case Tasks:
		s = &shop.Tasks{Executor: pool, Times: times, Clerk: &clerk}
	case Plain:
		s = &shop.Plain{Executor: pool, Times: times, Clerk: &clerk}
	}
	books, err := shop.Day(s, n, full)
	return first(err, same(books.Cancelled, n/4))
}

func pipeline(form Form, pool *executor.Pool, n int, full func()) error {
	return ordered.Flood(ordered.Form(form), pool, n, full)
}

// same returns an error if the result of a program is wrong.
func same(got, want int) error {
	if got != want {
		return fmt.Errorf("the result is %d, not %d", got, want)
	}
	return nil
}
