package coro

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/framearena/framearena/internal/printable"
)

const (
	errorLines  = 10          // errors that an errorPrinter prints in full in one period,
	errorPeriod = time.Second // which begins with the first error after the period before
	errorSorts  = 20          // sorts of errors that a summary tells apart
)

// errorPrinter prints the errors of roots of an executor that has no handler to standard error.
// In each period it prints the first few in full. It counts the others, and prints one line with
// the counts: when the period is over, and when the executor closes. So an executor that is
// closed with many live tasks does not print a line for each. Any goroutine may use it.
//
// It has no goroutine. While errors are counted and not printed, a timer is set; flush stops it.
type errorPrinter struct {
	// mu is held while a line is written, so flush returns when everything that was counted
	// before has been written. The text of an error is made before mu is taken.
	mu sync.Mutex

	began   time.Time // of the period; guarded by mu, as all that follows
	printed int       // errors printed in full in this period
	counts  map[failure]int
	others  int         // errors of further sorts
	timer   *time.Timer // calls flush; nil if nothing is counted
}

// failure is a sort of errors: the kind of the root, and the first line of the error's text.
type failure struct {
	kind *kind
	text string
}

// print prints or counts the error of a root of kind k.
func (p *errorPrinter) print(k *kind, err error) {
	sort := failure{k, firstLine(err)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); now.Sub(p.began) >= errorPeriod {
		p.sumUp()
		p.began, p.printed = now, 0
	}
	if p.printed < errorLines {
		p.printed++
		p.printInFull(k, err)
		return
	}
	if p.counts == nil {
		p.counts = make(map[failure]int)
	}
	if p.counts[sort] > 0 || len(p.counts) < errorSorts {
		p.counts[sort]++
	} else {
		p.others++
	}
	if p.timer == nil {
		p.timer = time.AfterFunc(errorPeriod, p.flush)
	}
}

// printInFull prints an error and the kind of the root. A panic's text names the kinds itself.
// The caller holds mu.
func (p *errorPrinter) printInFull(k *kind, err error) {
	if _, ok := err.(*PanicError); ok {
		fmt.Fprintln(os.Stderr, "coro: a task failed:", err)
		return
	}
	fmt.Fprintf(os.Stderr, "coro: a task failed: %v [%s]\n", err, k.Info())
}

// flush prints what was counted and is not printed. It returns when that is written.
func (p *errorPrinter) flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sumUp()
}

// sumUp prints one line with the counts, the largest first, if there are any, and sets them to
// zero. The caller holds mu.
func (p *errorPrinter) sumUp() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if len(p.counts) == 0 {
		return
	}
	type count struct {
		n    int
		says string
	}
	var counts []count
	sum := p.others
	for sort, n := range p.counts {
		sum += n
		counts = append(counts, count{n, fmt.Sprintf("%s [%s]", sort.text, sort.kind.Info())})
	}
	slices.SortFunc(counts, func(a, b count) int {
		return cmp.Or(-cmp.Compare(a.n, b.n), strings.Compare(a.says, b.says))
	})
	var line strings.Builder
	fmt.Fprintf(&line, "coro: %d more failed: ", sum)
	for i, c := range counts {
		if i > 0 {
			line.WriteString("; ")
		}
		fmt.Fprintf(&line, "%d× %s", c.n, c.says)
	}
	if p.others > 0 {
		fmt.Fprintf(&line, "; %d× other errors", p.others)
	}
	fmt.Fprintln(os.Stderr, line.String())
	clear(p.counts)
	p.others = 0
}

// firstLine returns the first line of an error's text. For a panic it does not make the rest.
func firstLine(err error) string {
	var text string
	if p, ok := err.(*PanicError); ok {
		text = p.what()
	} else {
		text = err.Error()
	}
	text, _, _ = strings.Cut(text, "\n")
	return printable.Text(text)
}

// what returns the first part of the error's text.
func (e *PanicError) what() string {
	if e.Value == error(ErrGoexit) {
		return ErrGoexit.Error()
	}
	return fmt.Sprintf("coro: panic in a step: %v", e.Value)
}

// rootFailed passes the error of a root of kind k to a handler or, if that is nil, prints it.
func (rt *execRuntime) rootFailed(handler func(error), k *kind, err error) {
	if handler != nil {
		handler(err)
		return
	}
	rt.printer.print(k, err)
}
