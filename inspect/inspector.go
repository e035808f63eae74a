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
)

// Inspector shows the executors and arenas that it was made with, and all kinds of
// tasks. It is an [http.Handler], to be mounted on a path that ends with a slash, and
// a variable of package expvar. Any goroutine may use it.
//
// It may outlive what it shows: closed executors and arenas are empty.
type Inspector struct {
	executors []namedExecutor
	arenas    []namedArena

	looking sync.Mutex // held by who looks at what is inspected
}

type namedExecutor struct {
	name     string
	executor coro.Executor
}

type namedArena struct {
	name  string
	arena *arena.Arena
}

// Option says what an [Inspector] shows.
type Option func(*Inspector)

// New returns an inspector. Without options it shows what kinds of tasks there are. It
// panics if two executors, or two arenas, have one name.
func New(opts ...Option) *Inspector {
	i := new(Inspector)
	for _, o := range opts {
		o(i)
	}
	mustDiffer("executors", i.Executors())
	mustDiffer("arenas", i.Arenas())
	return i
}

func mustDiffer[T any](what string, named iter.Seq2[string, T]) {
	names := make(map[string]bool)
	for name := range named {
		if names[name] {
			panic(fmt.Sprintf("inspect: two %s are called %q: give each a name of its own", what, name))
		}
		names[name] = true
	}
}

// Executors returns an iterator over the names and the executors that it shows, in the
// order of the options.
func (i *Inspector) Executors() iter.Seq2[string, coro.Executor] {
	return func(yield func(string, coro.Executor) bool) {
		for _, e := range i.executors {
			if !yield(e.name, e.executor) {
				return
			}
		}
	}
}

// Arenas returns an iterator over the names and the arenas that it shows, those of
// executors among them. None is there twice.
func (i *Inspector) Arenas() iter.Seq2[string, *arena.Arena] {
	return func(yield func(string, *arena.Arena) bool) {
		for _, a := range i.arenas {
			if !yield(a.name, a.arena) {
				return
			}
		}
	}
}

// Executor shows what the tasks of an executor wait for, and what the workers do if it
// is an [executor.Pool]. If it has a method Arena, as those of package executor do, that
// is shown too. What tasks of an [executor.Strand]
// wait for is shown with the executor that it is on.
func Executor(name string, ex coro.Executor) Option {
	return func(i *Inspector) {
		i.executors = append(i.executors, namedExecutor{name, ex})
		if has, ok := ex.(interface{ Arena() *arena.Arena }); ok {
			i.addArena(name, has.Arena())
		}
	}
}

// Arena shows an arena. One that an executor before has shown goes by this name
// instead.
func Arena(name string, a *arena.Arena) Option {
	return func(i *Inspector) {
		for n := range i.arenas {
			if i.arenas[n].arena == a {
				i.arenas[n].name = name
				return
			}
		}
		i.arenas = append(i.arenas, namedArena{name, a})
	}
}

// addArena shows the arena of an executor, unless it is shown already.
func (i *Inspector) addArena(name string, a *arena.Arena) {
	for _, other := range i.arenas {
		if other.arena == a {
			return
		}
	}
	i.arenas = append(i.arenas, namedArena{name, a})
}

// String returns what the page shows, without the map and the chains of tasks, as
// JSON. So an Inspector is a variable of package expvar:
//
//	expvar.Publish("framearena", inspector)
func (i *Inspector) String() string {
	text, err := json.Marshal(i.report(figures))
	if err != nil {
		panic(err) // the type has nothing that could not be written
	}
	return string(text)
}

// ServeHTTP answers with the page, or with what is below it; see the package's
// documentation. With ?format=json in place of the page it is the JSON document.
func (i *Inspector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "inspect: only GET and HEAD: nothing can be changed here", http.StatusMethodNotAllowed)
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

func (i *Inspector) serveProfile(w http.ResponseWriter) {
	i.looking.Lock()
	var b bytes.Buffer
	err := coro.WriteFrameProfile(&b)
	i.looking.Unlock()
	w.Header().Set("Content-Disposition", `attachment; filename="frames.pb.gz"`)
	answer(w, "application/octet-stream", &b, err)
}

// answer sends what was prepared. That the reader has gone is none of the server's
// errors.
func answer(w http.ResponseWriter, contentType string, b *bytes.Buffer, err error) {
	if err != nil {
		err = errors.Join(errors.New("inspect: the answer could not be prepared"), err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", fmt.Sprint(b.Len()))
	_, _ = w.Write(b.Bytes())
}
