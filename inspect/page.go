package inspect

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

// contentPolicy is the page's Content-Security-Policy. It allows the page's own style and
// script, by their hashes, and requests to the page's own server. The page is one document,
// so that it can be saved and attached to a report.
var contentPolicy = fmt.Sprintf(
	"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; connect-src 'self'; style-src 'sha256-%s'; script-src 'sha256-%s'",
	hash(pageCSS), hash(pageJS))

// hash returns the SHA-256 sum of text, as a Content-Security-Policy has it.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"number":   number,
	"bytes":    formatBytes,
	"percent":  percent,
	"duration": duration,
	"base":     path.Base,
	"time":     func(t time.Time) string { return t.Format(time.DateTime) },
	"stack":    stackLines,
}).Parse(pageHTML))

// stackLines formats the lines of a goroutine profile, which have an address, a function and a position,
// for a narrow column: each function, and below it its position.
func stackLines(stack string) string {
	var b strings.Builder
	for line := range strings.Lines(stack) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			b.WriteString(line)
			continue
		}
		function, _, _ := strings.Cut(fields[1], "+0x")
		fmt.Fprintf(&b, "%s\n    %s\n", function, strings.Join(fields[2:], " "))
	}
	return b.String()
}

// pageData is the data of the template.
type pageData struct {
	report
	Style     template.CSS
	Script    template.JS
	Refresh   int   // seconds between refreshes; 0 for none
	Refreshes []int // the choices for Refresh
	Legend    any
}

// refreshes are the intervals that the page offers, in seconds. 0 means no refresh.
var refreshes = []int{0, 2, 10, 60}

func (i *Inspector) servePage(w http.ResponseWriter, r *http.Request) {
	refresh, err := strconv.Atoi(r.FormValue("refresh"))
	if err != nil || refresh < 1 || refresh > 3600 {
		refresh = 0
	}
	var b bytes.Buffer
	err = page.Execute(&b, pageData{
		report: i.report(everything), Style: template.CSS(pageCSS), Script: template.JS(pageJS),
		Refresh: refresh, Refreshes: refreshes, Legend: legend,
	})
	w.Header().Set("Content-Security-Policy", contentPolicy)
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("X-Frame-Options", "DENY")
	answer(w, "text/html; charset=utf-8", &b, err)
}

// Clock is the time of the report, as the page shows it.
func (r report) Clock() string { return r.Time.Format(time.DateTime) }

// MostLive is the largest number of live tasks that a kind has.
func (r report) MostLive() uint64 {
	if len(r.Kinds) == 0 {
		return 0
	}
	return r.Kinds[0].Live
}

// MostOnGoroutines is the largest number of live calls of one function that is not compiled.
func (r report) MostOnGoroutines() int64 {
	if len(r.Uncompiled) == 0 {
		return 0
	}
	return r.Uncompiled[0].Live
}

// summary has the sums over all executors and arenas, which the page shows first.
type summary struct {
	Live, Refusals           uint64
	Waiting, Queued, Blocked int
	Mapped                   uintptr
	Oldest                   int64 // the longest wait, in ms
}

// Summary adds up the figures of the report.
func (r report) Summary() summary {
	var s summary
	for _, a := range r.Arenas {
		s.Live += a.Total.Live + uint64(a.Large)
		s.Refusals += a.Refusals
		s.Mapped += a.MappedBytes
	}
	for _, e := range r.Executors {
		s.Waiting += e.Waiting
		s.Oldest = max(s.Oldest, e.OldestMS)
		if e.Pool != nil {
			s.Queued += e.Pool.Queued
			s.Blocked += e.Pool.Blocked
		}
	}
	return s
}

// LongestGroup is the number of tasks in the largest group of waiting tasks.
func (e executorReport) LongestGroup() int {
	if len(e.Groups) == 0 {
		return 0
	}
	return e.Groups[0].N
}

// MostWaited is the number of tasks that wait for the object with the most.
func (e executorReport) MostWaited() int {
	if len(e.Objects) == 0 {
		return 0
	}
	return e.Objects[0].N
}

// MostBusy is the time, in ms, that workers spent with the kind that took the most.
func (p *poolReport) MostBusy() int64 {
	if len(p.Busy) == 0 {
		return 0
	}
	return p.Busy[0].MS
}

// WorkerCount is the number of all workers, including those that the report leaves out.
func (p *poolReport) WorkerCount() int { return len(p.Workers) + p.MoreWorkers }

// MostTasks is the largest number of tasks that a worker has run.
func (p *poolReport) MostTasks() uint64 {
	most := uint64(0)
	for _, w := range p.Workers {
		most = max(most, w.Tasks)
	}
	return most
}
