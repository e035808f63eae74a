package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strings"
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/netio"
)

// Inspector shows the executors, arenas and Nets that [New] was given, and all kinds of tasks.
// It is an [http.Handler], for a path that ends with a slash, and a variable of package
// expvar. Any goroutine may use it.
//
// An Inspector may outlive the executors and arenas: once closed, they are shown empty.
type Inspector struct {
	executors []namedExecutor // immutable after New
	arenas    []namedArena    // immutable after New; no arena is in it twice
	nets      []namedNet      // immutable after New

	// collecting is held while a report or a profile is collected, so that one request
	// at a time does so. It is not held while an answer is written.
	collecting sync.Mutex
}

type namedExecutor struct {
	name     string
	executor coro.Executor
}

type namedArena struct {
	name  string
	arena *arena.Arena
}

type namedNet struct {
	name string
	net  *netio.Net
}

// New returns an inspector. Without options it shows the kinds of tasks alone. New panics
// if an option is nil, and if the names of two executors, of two arenas or of two
// Nets are the same or are shown alike.
func New(opts ...Option) *Inspector {
	i := new(Inspector)
	for _, o := range opts {
		if o == nil {
			panic("inspect: New was called with a nil Option: leave it out")
		}
		o.apply(i)
	}
	mustDiffer("executors", i.Executors())
	mustDiffer("arenas", i.Arenas())
	mustDiffer("Nets", i.Nets())
	return i
}

// Executors returns an iterator over the executors and their names, in the order of the
// options.
func (i *Inspector) Executors() iter.Seq2[string, coro.Executor] {
	return func(yield func(string, coro.Executor) bool) {
		for _, e := range i.executors {
			if !yield(e.name, e.executor) {
				return
			}
		}
	}
}

// Arenas returns an iterator over the arenas and their names, with the arenas of the
// executors. It yields no arena twice.
func (i *Inspector) Arenas() iter.Seq2[string, *arena.Arena] {
	return func(yield func(string, *arena.Arena) bool) {
		for _, a := range i.arenas {
			if !yield(a.name, a.arena) {
				return
			}
		}
	}
}

// Nets returns an iterator over the Nets and their names, in the order of the options.
func (i *Inspector) Nets() iter.Seq2[string, *netio.Net] {
	return func(yield func(string, *netio.Net) bool) {
		for _, n := range i.nets {
			if !yield(n.name, n.net) {
				return
			}
		}
	}
}

// String returns the report as JSON, without the map of slabs and the chains of tasks.
// This method makes an Inspector a variable of package expvar:
//
//	expvar.Publish("framearena", inspector)
func (i *Inspector) String() string {
	text, err := json.Marshal(i.report(figures))
	if err != nil {
		panic(err) // a report has no value that JSON cannot represent
	}
	return string(text)
}

// ServeHTTP serves the page, and the documents below it that the package's documentation
// lists. The query format=json selects the JSON document instead of the page. ServeHTTP
// answers methods other than GET and HEAD with status 405, unknown paths with 404.
func (i *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "inspect: this page is read-only: use GET or HEAD", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	leaf := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if leaf == "" && r.FormValue("format") == "json" {
		leaf = "json"
	}
	switch leaf {
	case "":
		i.servePage(w, r)
	case "json":
		i.serveJSON(w)
	case "profile":
		i.serveProfile(w)
	default:
		http.NotFound(w, r)
	}
}

func (i *Inspector) serveJSON(w http.ResponseWriter) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(i.report(everything))
	answer(w, "application/json", &b, err)
}

// serveProfile collects the profile with collecting held, and then writes it.
func (i *Inspector) serveProfile(w http.ResponseWriter) {
	i.collecting.Lock()
	var b bytes.Buffer
	err := coro.WriteFrameProfile(&b)
	i.collecting.Unlock()
	w.Header().Set("Content-Disposition", `attachment; filename="frames.pb.gz"`)
	answer(w, "application/octet-stream", &b, err)
}

// answer sends b, or status 500 if err is not nil. It ignores errors of the connection: a
// client that has disconnected is no fault of the server.
func answer(w http.ResponseWriter, contentType string, b *bytes.Buffer, err error) {
	if err != nil {
		err = errors.Join(errors.New("inspect: cannot make the answer"), err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(b.Len()))
	_, _ = w.Write(b.Bytes())
}
