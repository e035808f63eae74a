// Package programs has the programs that one writes first, each with tasks by hand, with tasks in
// plain Go and with goroutines, for a comparison of their lines, and of the memory and the time that
// they take. Four of them are examples of this repository; package crawler is the fifth.
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
	"github.com/framearena/framearena/internal/workloads/programs/crawler"
)

// Form is a form in which each program is written.
type Form string

const (
	Tasks      Form = "tasks" // written by hand
	Plain      Form = "plain" // tasks in plain Go, compiled
	Goroutines Form = "goroutines"
)

// Forms are all forms. In the package of a program, a form is the file with its name.
var Forms = []Form{Tasks, Plain, Goroutines}

// Program is a program of some size, in each form.
type Program struct {
	Name    string       // in JSON: lower case, with dashes
	Title   string       // in a table; it says what the size is
	Size    int          // the size that the comparison is about
	Goal    int          // how many times more memory goroutines are to have; 0: no goal
	Package string       // the directory in this module
	Lines   map[Form]int // of code: lines of the form's file that are not blank or a comment

	// begin makes what all forms have, before the first measurement. run runs the program, on the
	// pool unless it has goroutines. It calls full once, when everything waits, and returns the
	// result, which is the same for all forms.
	begin func(n int) (run runner, end func() error, err error)
}

type runner func(form Form, pool *executor.Pool, full func()) (result string, err error)

// Programs are all programs.
var Programs = []*Program{
	{"health", "health checker, targets", 10_000, 0, "examples/health/checker", lines(79, 38, 39), beginHealth},
	{"chat", "chat room, members", 50_000, 6, "examples/chat/room", lines(75, 62, 62), begin(chat)},
	{"orders", "orders, three timers each", 100_000, 6, "examples/orders/shop", lines(83, 54, 59), begin(orders)},
	{"pipeline", "ordered pipeline, items", 50_000, 0, "examples/pipeline/ordered", lines(104, 43, 45), begin(pipeline)},
	{"crawler", "crawler, pages", 50_000, 0, "internal/workloads/programs/crawler", lines(92, 45, 58), begin(crawl)},
}

func lines(tasks, plain, goroutines int) map[Form]int {
	return map[Form]int{Tasks: tasks, Plain: plain, Goroutines: goroutines}
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

// Outcome is what a run of a program has to show.
type Outcome struct {
	Result string

	// Time is how long the program ran, and CPU the time of all CPUs for that, without what Run does
	// while everything waits. CPU is 0 where it is not known.
	Time, CPU time.Duration
}

// Run runs the program once with size n, in a form. It calls ready when it is about to begin, and full
// when everything waits, with the figures of the pool's arena or, for
// goroutines, with zeros. The error says what went wrong, also if a result is not what it should be.
func (p *Program) Run(n int, form Form, ready, full func(frames arena.Stats)) (o Outcome, err error) {
	run, end, err := p.begin(n)
	if err != nil {
		return o, err
	}
	frames := func() (s arena.Stats) { return s }
	var pool *executor.Pool
	if form != Goroutines {
		pool = executor.NewPool()
		frames = pool.Arena().Stats
	}
	ready(frames())
	start, startCPU := time.Now(), cpuTime()
	o.Result, err = run(form, pool, func() {
		paused := time.Now()
		time.Sleep(settling)
		pausedCPU := cpuTime()
		full(frames())
		start = start.Add(time.Since(paused))
		startCPU += cpuTime() - pausedCPU
	})
	if pool != nil {
		err = first(err, pool.Close())
	}
	o.Time, o.CPU = time.Since(start), cpuTime()-startCPU
	return o, first(err, end())
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
func begin(run func(form Form, pool *executor.Pool, n int, full func()) (string, error)) func(int) (runner, func() error, error) {
	return func(n int) (runner, func() error, error) {
		return func(form Form, pool *executor.Pool, full func()) (string, error) { return run(form, pool, n, full) }, func() error { return nil }, nil
	}
}

func beginHealth(n int) (run runner, end func() error, err error) {
	w, err := checker.NewWorld(n)
	if err != nil {
		return nil, nil, err
	}
	return func(form Form, pool *executor.Pool, full func()) (string, error) {
		ill, err := w.Round(checker.Form(form), pool, full)
		return fmt.Sprintf("%d are ill", ill), first(err, same(ill, n/10))
	}, w.Close, nil
}

func chat(form Form, pool *executor.Pool, n int, full func()) (string, error) {
	const messages = 3
	var r room.Room = &room.Goroutines{Ping: 30 * time.Second}
	switch form {
	case Tasks:
		r = &room.Tasks{Pool: pool, Ping: 30 * time.Second}
	case Plain:
		r = &room.Plain{Pool: pool, Ping: 30 * time.Second}
	}
	delivered, err := room.Evening(r, n, messages, full)
	return fmt.Sprintf("%d messages", delivered), first(err, same(int(delivered), messages*n))
}

func orders(form Form, pool *executor.Pool, n int, full func()) (string, error) {
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
	return fmt.Sprintf("%d paid, %d cancelled", books.Paid, books.Cancelled), first(err, same(books.Cancelled, n/4))
}

func pipeline(form Form, pool *executor.Pool, n int, full func()) (string, error) {
	sum, err := ordered.Flood(ordered.Form(form), pool, n, full)
	return fmt.Sprintf("in order, with the sum %d", sum), err
}

func crawl(form Form, pool *executor.Pool, n int, full func()) (string, error) {
	s := &crawler.Site{Pages: n, Pause: 200 * time.Microsecond}
	visited, peak, err := crawler.Crawl(crawler.Form(form), pool, s, full)
	return fmt.Sprintf("%d pages, at most %d requests to a host at a time", visited, peak), first(err, same(visited, n))
}

// same returns an error if the result of a program is wrong.
func same(got, want int) error {
	if got != want {
		return fmt.Errorf("the result is %d, not %d", got, want)
	}
	return nil
}
